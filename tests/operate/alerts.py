"""Does each alert fire when it should, and only then? What promtool is given, and what it must find.

HEALTHY is a line on which all is well. Each case changes a few of its series, and says which alerts fire then, and which
have to wait: at `quiet` minutes nothing does yet, at `fires` minutes these do, and no others but the HEARTBEAT, which never
stops.
"""

from dataclasses import dataclass, field

# What fires always.
HEARTBEAT = "BrewlineWatchdog"
# A series that says the time, which in promtool's world begins in 1970.
TIME = "time"
# Steps that a series has, more than any case looks at.
STEPS = 200
# A step where it takes weeks, in minutes: six are a day.
WATCH = 4 * 60
COUNTER = '{job="brewline-counter", instance="counter:8080"}'
BARISTA = '{job="brewline-barista", instance="barista:9464"}'


def of(where, labels=""):
    """The labels of a target, with more of them."""
    return where[:-1] + (", " + labels if labels else "") + "}"


def label(name, value):
    return f'{name}="{value}"'


def always(value):
    return f"{value}x{STEPS}"


# A series that is not there.
NOTHING = f"_x{STEPS}"


def rising(by):
    """By so much in each step, from 0."""
    return f"0+{by}x{STEPS}"


def then(before, after, at):
    """One value, and another from the step `at` on."""
    return f"{before}x{at - 1} {after}x{STEPS}"


def histogram(name, where, labels, count, within):
    """So many in each step, and within each bound so many."""
    series = {f"{name}_count{of(where, labels)}": rising(count)}
    for bound, number in within.items():
        both = (labels + ", " if labels else "") + label("le", bound)
        series[f"{name}_bucket{of(where, both)}"] = rising(number)
    return series


def orders(accepted=10, slow=0, refused=1, failed=0):
    """Orders in each step, and how they end."""
    name = "brewline_order_request_seconds"
    series = {}
    for outcome, count, within in [
        ("accepted", accepted, accepted - slow),
        ("refused", refused, refused),
        ("failed", failed, 0),
    ]:
        series |= histogram(name, COUNTER, label("outcome", outcome), count, {"1.0": within, "+Inf": count})
    return series


def promises(inside, after):
    name = "brewline_promises_total"
    counts = {"inside": inside, "after": after}
    return {f"{name}{of(COUNTER, label('ready', ready))}": rising(n) for ready, n in counts.items()}


def bells(in_time, missed, no_phone=5):
    counts = {"in_time": in_time, "late": 0, "missed": missed, "away": 3, "no_phone": no_phone}
    return {f"brewline_bells_total{of(COUNTER, label('heard', heard))}": rising(n) for heard, n in counts.items()}


def missing(what, value):
    return {f"brewline_missing{of(COUNTER, label('what', what))}": value}


def one(name, where, value, labels=""):
    return {f"{name}{of(where, labels)}": value}


def line_of_its_own(partitions):
    """A second line under the same Prometheus: its counter, and its barista."""
    return one("brewline_partitions", COUNTER, partitions, label("line", "b")) | one(
        "brewline_barista_partitions", BARISTA, always(3), label("line", "b")
    )


def backups(steps, restarts=()):
    """When the last backup was, with one at each of these steps, of a WATCH. A restart knows of none."""
    values, last = [], "_"
    for step in range(STEPS):
        if step in restarts:
            last = "_"
            values.append("stale")
            continue
        last = 60 * WATCH * step if step in steps else last
        values.append(str(last))
    return one("brewline_backup_timestamp_seconds", COUNTER, " ".join(values))


def states(name, values):
    return {f"{name}{of(COUNTER, label('state', state))}": value for state, value in values.items()}


HEALTHY = (
    one("up", COUNTER, always(1))
    | one("up", BARISTA, always(1))
    | one("process_start_time_seconds", COUNTER, always(-100))
    | one("process_start_time_seconds", BARISTA, always(-100))
    | one("process_open_fds", COUNTER, always(100))
    | one("process_max_fds", COUNTER, always(65536))
    | missing("view", always(0))
    | missing("secret", always(0))
    | missing("newer_log", always(0))
    | missing("barista", always(0))
    | missing("log", always(0))
    | orders()
    | promises(9, 1)
    | bells(9, 0)
    | one("brewline_orders_accepted_total", COUNTER, rising(10))
    | states("brewline_orders", {"undecided": always(0), "received": always(10), "making": always(5), "ready": always(9)})
    | one("brewline_orders_open_max", COUNTER, always(100))
    | one("brewline_oldest_open_order_age_seconds", COUNTER, always(300))
    | one("brewline_partitions", COUNTER, always(3))
    | one("brewline_view_age_seconds", COUNTER, always(0.2))
    | one("brewline_dead_letters_seen", COUNTER, always(0))
    | one("brewline_unreadable_states", COUNTER, always(0))
    | states("brewline_ordering", {"open": always(1), "paused": always(0), "closed": always(0), "till": always(0)})
    | states("brewline_printer_state", {"ok": always(1), "no_paper": always(0)})
    | one("brewline_ledger_holds", COUNTER, always(1))
    | one("brewline_ledger_age_seconds", COUNTER, always(0.3))
    | one("brewline_ledger_last_closed_timestamp_seconds", COUNTER, TIME)
    | one("brewline_connections_open", COUNTER, always(100))
    | one("brewline_connections_max", COUNTER, always(24096))
    | one("brewline_connections_refused_total", COUNTER, always(0))
    | one("brewline_streams_open", COUNTER, always(90))
    | one("brewline_streams_max", COUNTER, always(20000))
    | one("brewline_tls_certificate_expiry_timestamp_seconds", COUNTER, always(60 * 86400))
    | one("brewline_log_disk_free_bytes", COUNTER, always(50 * 2**30))
    | one("brewline_backup_timestamp_seconds", COUNTER, always(0))
    | histogram("brewline_publish_seconds", COUNTER, "", 10, {"0.1024": 10, "0.8192": 10, "+Inf": 10})
    | one("brewline_barista_partitions", BARISTA, always(3))
    | one("brewline_barista_full", BARISTA, always(0))
    | one("brewline_kafka_up", BARISTA, always(1))
    | one("brewline_barista_last_step_timestamp_seconds", BARISTA, TIME)
    | one("brewline_barista_dead_letters_total", BARISTA, always(0))
    | one("brewline_barista_unreadable_state_total", BARISTA, always(0))
    | one("brewline_barista_sessions_total", BARISTA, always(1))
    | histogram("brewline_barista_late_seconds", BARISTA, "", 10, {"0.512": 10, "4.096": 10, "+Inf": 10})
)


@dataclass
class Case:
    """What is changed, and what comes of it."""

    what: str
    changed: dict
    alerts: list = field(default_factory=list)
    # In minutes.
    quiet: int | None = None
    fires: int = 25
    # Of a step, in minutes.
    step: int = 1


HOUR, DAY = 60, 24 * 60
# Backups of four weeks, each at four in the morning, as the systemd timer makes them, and the last of them.
NIGHTS = range(1, 6 * 28, 6)
LAST = NIGHTS[-1]
CASES = [
    Case("all is well", {}),
    # The line.
    Case("a counter is gone", one("up", COUNTER, then(1, 0, 10)), ["BrewlineDown"], 10, 12),
    Case("no counter is left to be asked", one("brewline_partitions", COUNTER, then(3, "stale _", 10)),
         ["BrewlineNoCounter"], 11, 13),
    Case("there was never a counter to be asked", one("brewline_partitions", COUNTER, NOTHING), ["BrewlineNoCounter"], 1, 3),
    Case("one line of two is not found any more", line_of_its_own(then(3, "stale _", 10)), ["BrewlineNoCounter"], 11, 13),
    Case("one line of two is not found for hours", line_of_its_own(then(3, "stale _", 10)), ["BrewlineNoCounter"],
         quiet=4 * 60, fires=20 * 60, step=30),
    Case("one line of two was taken away for good", line_of_its_own(then(3, "stale _", 10)), fires=40 * 60, step=30),
    Case("there are two lines", line_of_its_own(always(3))),
    Case("a program that is none of ours is gone", {'up{job="node", instance="a"}': always(0)}),
    Case("nobody decides", missing("barista", then(0, 1, 10)), ["BrewlineNobodyDecides"], 9, 12),
    Case("a partition is left alone", one("brewline_barista_partitions", BARISTA, then(3, 2, 10)),
         ["BrewlinePartitionWithoutBarista"], 11, 13),
    Case("no barista says what it has", one("brewline_barista_partitions", BARISTA, then(3, "stale _", 10)),
         ["BrewlinePartitionWithoutBarista"], 11, 13),
    Case("two baristas share the partitions, and two counters say how many there are",
         one("brewline_barista_partitions", BARISTA, always(1))
         | one("brewline_barista_partitions", BARISTA.replace("barista:", "b:"), always(2))
         | one("brewline_partitions", COUNTER.replace("counter:", "c:"), always(3))),
    Case("a partition changes hands", one("brewline_barista_partitions", BARISTA, "3x9 2x1 3x200")),
    Case("a barista is stuck", one("brewline_barista_last_step_timestamp_seconds", BARISTA, "0+60x10 600x200"),
         ["BrewlineBaristaStuck"], 11, 13),
    Case("the log takes nothing", missing("log", then(0, 1, 10)), ["BrewlineLogTakesNothing"], 10, 12),
    Case("no broker answers a barista", one("brewline_kafka_up", BARISTA, then(1, 0, 10)), ["BrewlineKafkaSilent"], 10, 12),
    Case("a counter is cut off", missing("view", then(0, 1, 10)), ["BrewlineCounterBehind"], 11, 13),
    Case("a counter starts", missing("view", "0x9 1x0 0x200")),
    Case("a newer program writes", missing("newer_log", then(0, 1, 10)), ["BrewlineNewerLog"], 10, 12),
    Case("a counter is started again and again", one("process_start_time_seconds", COUNTER, "0 0 120 180 240 300x200"),
         ["BrewlineRestarts"], 2, 10),
    Case("an update starts it twice", one("process_start_time_seconds", COUNTER, "0 0 120 180x200")),
    # Orders.
    Case("every fifth order fails", orders(accepted=8, failed=2), ["BrewlineOrdersFail"], 0, 10),
    Case("every fifth order takes more than a second", orders(accepted=10, slow=2), ["BrewlineOrdersFail"], 0, 10),
    Case("half of what is ordered is refused, as it should be", orders(accepted=5, refused=5)),
    Case("one order of a quiet hour failed",
         orders(accepted=0, refused=0) | one("brewline_order_request_seconds_count", COUNTER, then(0, 1, 10), 'outcome="failed"')),
    Case("one order in 500 fails, day after day", orders(accepted=499, failed=1), ["BrewlineOrdersFailSlowly"], 30, 70),
    Case("one order in 2,000 fails", orders(accepted=1999, failed=1)),
    Case("an order is forgotten", one("brewline_oldest_open_order_age_seconds", COUNTER, then(300, 2000, 10)),
         ["BrewlineOrderWaits"], 14, 16),
    Case("an order is left over night",
         one("brewline_oldest_open_order_age_seconds", COUNTER, always(9000))
         | states("brewline_ordering", {"open": always(0), "closed": always(1)})),
    Case("the queue fills", states("brewline_orders", {"received": then(10, 90, 10)}), ["BrewlineQueueFills"], 10, 12),
    Case("a barista is full", one("brewline_barista_full", BARISTA, then(0, 1, 10)), ["BrewlineQueueFills"], 10, 12),
    Case("a third of the drinks is late", promises(6, 3), ["BrewlinePromisesBroken"], 8, 20),
    Case("one of few drinks is late", promises(0.03, 0.03)),
    Case("phones do not ring", bells(6, 3), ["BrewlineBellsUnheard"], 8, 20),
    Case("there are no phones", bells(0, 0, 20)),
    Case("bells come late", histogram("brewline_barista_late_seconds", BARISTA, "", 10, {"0.512": 5, "4.096": 10, "+Inf": 10}),
         ["BrewlineBellsLate"], 8, 20),
    Case("no bar page is there", states("brewline_ordering", {"open": then(1, 0, 10), "till": then(0, 1, 10)}),
         ["BrewlinePhonesSentToTill"], 14, 16),
    Case("there is no paper", states("brewline_printer_state", {"ok": then(1, 0, 10), "no_paper": then(0, 1, 10)}),
         ["BrewlinePrinterOut"], 11, 13),
    # The ledger.
    Case("an order is lost", one("brewline_ledger_holds", COUNTER, then(1, 0, 10)), ["BrewlineLedgerFault"], 10, 12),
    Case("the ledger is counted for the first time",
         one("brewline_ledger_holds", COUNTER, "0x4 1x200") | one("brewline_ledger_age_seconds", COUNTER, "-1x4 0.2x200")),
    Case("the ledger stays behind", one("brewline_ledger_age_seconds", COUNTER, then(0, -1, 10)),
         ["BrewlineLedgerStale"], 18, 22),
    Case("no day is closed", one("brewline_ledger_last_closed_timestamp_seconds", COUNTER, always(0)),
         ["BrewlineDayNotClosed"], 3 * DAY, 3 * DAY + 90, step=30),
    Case("nobody has ordered for a week",
         one("brewline_ledger_last_closed_timestamp_seconds", COUNTER, always(0))
         | one("brewline_orders_accepted_total", COUNTER, always(7)), fires=4 * DAY, step=30),
    Case("a record can't be read", one("brewline_barista_dead_letters_total", BARISTA, then(0, 1, 10)),
         ["BrewlineDeadLetters"], 9, 12),
    Case("that was a while ago", one("brewline_barista_dead_letters_total", BARISTA, then(0, 1, 10))),
    Case("a state can't be read", one("brewline_unreadable_states", COUNTER, then(0, 1, 10)),
         ["BrewlineUnreadableState"], 9, 12),
    # Backups.
    Case("backups have stopped coming", backups(NIGHTS), ["BrewlineBackupOld"],
         (LAST + 9) * WATCH, (LAST + 11) * WATCH, step=WATCH),
    Case("backups stopped coming weeks ago", backups(range(1, 6 * 14, 6)), ["BrewlineBackupOld"], fires=6 * 32 * WATCH, step=WATCH),
    Case("backups had stopped coming before a restart", backups(NIGHTS, (LAST + 1, LAST + 6)), ["BrewlineBackupOld"],
         (LAST + 9) * WATCH, (LAST + 11) * WATCH, step=WATCH),
    Case("a line that is started each day makes no more backups", backups(NIGHTS, range(2, STEPS, 6)), ["BrewlineBackupOld"],
         (LAST + 9) * WATCH, (LAST + 11) * WATCH, step=WATCH),
    Case("backups come each night, and the line is started anew", backups(range(1, STEPS, 6), (10, 99, 130)),
         fires=190 * WATCH, step=WATCH),
    Case("a machine that was off makes its backup late", backups((*NIGHTS, LAST + 10)),
         quiet=(LAST + 10) * WATCH, fires=(LAST + 12) * WATCH, step=WATCH),
    Case("backups are made twice a week", backups((*range(1, STEPS, 42), *range(19, STEPS, 42))), fires=190 * WATCH, step=WATCH),
    Case("backups are made while the line is stopped, after four were tried by hand", backups((30, 31, 32, 33)),
         fires=60 * WATCH, step=WATCH),
    Case("a backup is made by hand, once a week", backups(range(1, STEPS, 42)), fires=190 * WATCH, step=WATCH),
    Case("one line of two is not there, and has nothing new to keep",
         one("brewline_backup_timestamp_seconds", COUNTER, f"0+{60 * WATCH}x{LAST} stale _x200", label("line", "b"))
         | line_of_its_own(then(3, "stale _", LAST)), fires=(LAST + 12) * WATCH, step=WATCH),
    # The machine.
    Case("the disk is full", one("brewline_log_disk_free_bytes", COUNTER, then(50 * 2**30, 2**20, 10)),
         ["BrewlineDiskFull"], 10, 12),
    Case("the disk has been full for a while", one("brewline_log_disk_free_bytes", COUNTER, always(2**20)),
         ["BrewlineDiskFull", "BrewlineDiskLow"], 0, 30),
    Case("the disk fills", one("brewline_log_disk_free_bytes", COUNTER, then(50 * 2**30, 2**29, 10)),
         ["BrewlineDiskLow"], 19, 21),
    Case("the log is slow", histogram("brewline_publish_seconds", COUNTER, "", 10, {"0.1024": 5, "0.8192": 10, "+Inf": 10}),
         ["BrewlineLogSlow"], 8, 20),
    Case("sessions end", one("brewline_barista_sessions_total", BARISTA, "1x9 2 3 4 5 6x200"), ["BrewlineSessionsEnd"], 9, 16),
    Case("one session ends", one("brewline_barista_sessions_total", BARISTA, then(1, 2, 10)), fires=16),
    Case("streams are all taken", one("brewline_streams_open", COUNTER, then(90, 19000, 10)), ["BrewlineStreamsFull"], 14, 16),
    Case("connections are all taken", one("brewline_connections_open", COUNTER, then(90, 24000, 10)),
         ["BrewlineConnectionsFull"], 14, 16),
    Case("one address wants too many", one("brewline_connections_refused_total", COUNTER, "0x9 0+60x200"),
         ["BrewlineConnectionsFull"], 9, 20),
    Case("files are all open", one("process_open_fds", COUNTER, then(90, 65000, 10)), ["BrewlineFilesFull"], 14, 16),
    Case("the certificate is not renewed", one("brewline_tls_certificate_expiry_timestamp_seconds", COUNTER, always(10 * 86400)),
         ["BrewlineCertificateExpires"], 30, 70),
    Case("the certificate is over", one("brewline_tls_certificate_expiry_timestamp_seconds", COUNTER, always(600)),
         ["BrewlineCertificateExpires", "BrewlineCertificateOver"], 3, 70),
]
