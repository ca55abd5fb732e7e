//! The receipt printer that a shop may have.

use std::fmt;

use crate::{
    Limits,
    read::{Field, Notes, Table},
};

/// A receipt printer in the shop's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printer {
    /// Where it listens: a name or an address, and a port.
    pub address: String,
    /// Which orders get a ticket for the bar.
    pub tickets: Tickets,
    /// Whether orders of the till get a slip for the customer, with pickup code and QR code.
    pub slips: bool,
    /// What it can print.
    pub encoding: Encoding,
    /// Characters of a line.
    pub columns: u8,
}

/// Which orders get a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tickets {
    /// Each.
    All,
    /// Those of the till.
    Till,
    /// None.
    None,
}

/// What a printer makes of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// What all printers can.
    Ascii,
    /// Korean, as printers in Korea have it.
    Cp949,
    /// Western Europe.
    Windows1252,
}

/// 58 mm and 80 mm paper.
const COLUMNS: [u8; 3] = [32, 42, 48];
const DEFAULT_COLUMNS: u8 = 42;

impl fmt::Display for Printer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

pub(crate) fn printer(notes: &mut Notes, mut table: Table<'_>) -> Printer {
    const ADDRESS: &str = "say where the printer listens, as in address = \"192.168.0.40:9100\"";
    let address = table.require(notes, "address", ADDRESS);
    let address = address.map_or_else(String::new, |field| {
        let said = field.text().filter(|text| is_address(text));
        said.map_or_else(
            || {
                field.wrong(notes, ADDRESS);
                String::new()
            },
            str::to_owned,
        )
    });
    let tickets = table.get(notes, "tickets").map_or(Tickets::None, |field| {
        let known = [("all", Tickets::All), ("till", Tickets::Till), ("none", Tickets::None)];
        one_of(
            notes,
            &field,
            &known,
            "say \"all\", \"till\" or \"none\", which orders get a ticket for the bar",
        )
    });
    let slips = table.get(notes, "slips").is_some_and(|field| {
        field.boolean().unwrap_or_else(|| {
            field.wrong(notes, "say true or false, without quotes: whether orders of the till get a slip");
            false
        })
    });
    let encoding = table.get(notes, "encoding").map_or(Encoding::Ascii, |field| {
        let known =
            [("ascii", Encoding::Ascii), ("cp949", Encoding::Cp949), ("windows-1252", Encoding::Windows1252)];
        one_of(
            notes,
            &field,
            &known,
            "say \"ascii\", \"cp949\" (Korean) or \"windows-1252\", what the printer can print",
        )
    });
    let columns = table.get(notes, "columns").map_or(DEFAULT_COLUMNS, |field| {
        let said = field.integer().and_then(|n| u8::try_from(n).ok()).filter(|n| COLUMNS.contains(n));
        said.unwrap_or_else(|| {
            field.wrong(notes, "say 32, 42 or 48, without quotes: how many characters stand on a line");
            DEFAULT_COLUMNS
        })
    });
    table.end(notes);
    Printer { address, tickets, slips, encoding, columns }
}

/// The first of them where it is none, which nobody uses.
fn one_of<T: Copy>(notes: &mut Notes, field: &Field<'_>, known: &[(&str, T)], say: &str) -> T {
    let said = known.iter().find(|(name, _)| field.text() == Some(name));
    said.unwrap_or_else(|| {
        field.wrong(notes, say);
        &known[0]
    })
    .1
}

/// `NAME:PORT`, `1.2.3.4:PORT`, `[::1]:PORT`.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_v6 = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = match is_v6 {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-' || b == b'_')
        }
    };
    is_port && is_host && text.len() <= Limits::ADDRESS_BYTES
}

#[cfg(test)]
mod tests {
    use crate::Settings;

    fn says(lines: &str) -> Result<Option<super::Printer>, String> {
        let text = format!("name = \"A\"\ncurrency = \"KRW\"\ntime_zone = \"UTC\"\n[printer]\n{lines}");
        Settings::parse(&text, "shop.toml")
            .map(|settings| settings.printer)
            .map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn a_printer_needs_an_address_and_nothing_else() {
        let printer = says("address = \"192.168.0.40:9100\"").unwrap().unwrap();
        assert_eq!((printer.columns, printer.slips), (42, false));
        assert_eq!((printer.tickets, printer.encoding), (super::Tickets::None, super::Encoding::Ascii));
        let all =
            "address = \"[::1]:9100\"\ntickets = \"all\"\nslips = true\nencoding = \"cp949\"\ncolumns = 48";
        let printer = says(all).unwrap().unwrap();
        assert_eq!((printer.columns, printer.slips), (48, true));
        assert_eq!((printer.tickets, printer.encoding), (super::Tickets::All, super::Encoding::Cp949));
    }

    #[test]
    fn what_is_wrong_is_named_with_the_way_out() {
        for (lines, why) in [
            ("", "printer.address is missing"),
            ("address = \"printer\"", "192.168.0.40:9100"),
            ("address = \"printer:0\"", "192.168.0.40:9100"),
            ("address = \"http://printer:9100\"", "192.168.0.40:9100"),
            ("address = \"::1:9100\"", "192.168.0.40:9100"),
            ("address = \"a:1\"\ntickets = \"some\"", "\"all\", \"till\" or \"none\""),
            ("address = \"a:1\"\nslips = \"yes\"", "true or false"),
            ("address = \"a:1\"\nencoding = \"utf-8\"", "cp949"),
            ("address = \"a:1\"\ncolumns = 40", "32, 42 or 48"),
            ("address = \"a:1\"\ncolumns = \"42\"", "without quotes"),
            ("address = \"a:1\"\npaper = 80", "there is no printer.paper"),
        ] {
            let told = says(lines).unwrap_err();
            assert!(told.contains(why), "{lines}: {told}");
        }
    }
}
