//! The records of `shop.state`, described: `docs/asyncapi.json` has them. Only with the feature `schema`.

use ledger::Balance;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::view::{
    BAR_PREFIX, CLAIM_PREFIX, CODE_PREFIX, COPY_PREFIX, DEVICE_PREFIX, MENU, MenuFact, OPEN, PACE, PAUSE,
    PRINT_PREFIX, Print, SECRET_PREFIX, SEEN_PREFIX, SESSIONS, SOLD_OUT_PREFIX, STAFF_TOKEN, TOKEN_PREFIX,
    shop::BARISTA_PREFIX,
    shop::Barista,
    written::{
        AllSignedOut, MadeToken, Moment, Offered, Opened, Pace, Paused, Secret, SignedIn, SoldOut, StaffToken,
    },
};

/// One kind of records.
#[derive(Debug)]
pub struct Fact {
    /// What it is called in the document.
    pub name: &'static str,
    /// What its keys look like, as a pattern.
    pub key: String,
    /// What it says.
    pub says: &'static str,
    /// What its value is.
    pub value: Schema,
    /// A record without a value takes it back.
    pub is_taken_back: bool,
}

/// All of them.
pub fn facts(generator: &mut SchemaGenerator) -> Vec<Fact> {
    let id = "[0-9a-f]{32}";
    let any = "[^\\n]+";
    let mut all = Facts { generator, facts: Vec::new() };
    all.one::<Opened<'_>>("shopOpen", exact(OPEN), "Whether it is open, whatever the hours say.");
    all.kept::<Paused<'_>>("shopPaused", exact(PAUSE), "No orders of customers for a while.");
    all.one::<Pace<'_>>("shopPace", exact(PACE), "How much later drinks are ready.");
    let sold_out = shop::schema::sold_out_id();
    let sold_out = sold_out.trim_start_matches('^').trim_end_matches('$').to_owned();
    all.kept::<SoldOut<'_>>(
        "soldOut",
        below(SOLD_OUT_PREFIX, &sold_out),
        "An item, or a choice as `milk/oat`, is not there.",
    );
    all.kept::<Moment>("barSeen", below(BAR_PREFIX, any), "A bar page was there.");
    all.one::<MenuFact>("menuShown", exact(MENU), "The menu that a counter has.");
    all.kept::<Print>("printOwed", below(PRINT_PREFIX, any), "An order is owed on paper, under its id.");
    all.kept::<Print>(
        "copyOwed",
        below(COPY_PREFIX, &format!("(ticket|slip)/{any}")),
        "Staff want a sheet once more.",
    );
    all.one::<Secret>(
        "lineSecret",
        below(SECRET_PREFIX, "[0-9a-f-]{36}"),
        "A claim on being the line's secret: the first in the log is.",
    );
    all.one::<StaffToken>("staffToken", exact(STAFF_TOKEN), "The staff token.");
    all.kept::<MadeToken<'_>>("programToken", below(TOKEN_PREFIX, id), "A program's token.");
    all.kept::<SignedIn<'_>>("deviceSignedIn", below(DEVICE_PREFIX, id), "A device is signed in.");
    all.kept::<Moment>("deviceSeen", below(SEEN_PREFIX, id), "A device was here, about once a day.");
    all.one::<AllSignedOut<'_>>(
        "allSignedOut",
        exact(SESSIONS),
        "All devices whose record stands before it are signed out.",
    );
    all.kept::<Offered>("codeOffered", below(CODE_PREFIX, id), "A code signs one device in.");
    all.kept::<Moment>(
        "codeClaimed",
        below(CLAIM_PREFIX, &format!("{id}/{id}")),
        "A device wants to use a code up: the first in the log may.",
    );
    all.kept::<Balance>(
        "dayClosed",
        below(Balance::PREFIX, "[0-9]{4}-[0-9]{2}-[0-9]{2}"),
        "How a business day closed.",
    );
    all.one::<Barista>(
        "baristaIntroduced",
        below(BARISTA_PREFIX, any),
        "How a barista works. Of baristas; the others are of counters.",
    );
    all.facts
}

struct Facts<'a> {
    generator: &'a mut SchemaGenerator,
    facts: Vec<Fact>,
}

impl Facts<'_> {
    fn one<T: JsonSchema>(&mut self, name: &'static str, key: String, says: &'static str) {
        let value = self.generator.subschema_for::<T>();
        self.facts.push(Fact { name, key, says, value, is_taken_back: false });
    }

    /// One that is taken back when it is so no more.
    fn kept<T: JsonSchema>(&mut self, name: &'static str, key: String, says: &'static str) {
        let value = self.generator.subschema_for::<T>();
        self.facts.push(Fact { name, key, says, value, is_taken_back: true });
    }
}

fn exact(key: &str) -> String {
    format!("^{key}$")
}

fn below(prefix: &str, rest: &str) -> String {
    format!("^{prefix}{rest}$")
}
