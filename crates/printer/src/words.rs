//! The few texts of our own. Which language a printer speaks follows from what it can print.

use shop::Encoding;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    En,
    Ko,
}

/// What is said in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Copy,
    Remake,
    Till,
    Scan,
    Listen,
    Unprintable,
    TooLong,
}

impl Language {
    pub(crate) fn of(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Cp949 => Self::Ko,
            Encoding::Ascii | Encoding::Windows1252 => Self::En,
        }
    }

    pub(crate) fn say(self, text: Text) -> &'static str {
        let (en, ko) = match text {
            Text::Copy => ("COPY", "사본"),
            Text::Remake => ("REMAKE", "다시 만들기"),
            Text::Till => ("Till", "계산대"),
            Text::Scan => {
                ("Scan this. Your phone rings when it is ready.", "스캔해 주세요. 준비되면 휴대폰이 울려요.")
            }
            Text::Listen => ("We call this code when it is ready.", "준비되면 이 코드를 불러 드려요."),
            Text::Unprintable => (
                "? can't be printed: see the bar's screen.",
                "? 자리는 인쇄할 수 없어요. 바 화면을 봐 주세요.",
            ),
            Text::TooLong => ("More on the bar's screen.", "나머지는 바 화면에 있어요."),
        };
        if self == Self::Ko { ko } else { en }
    }

    pub(crate) fn cups(self, amount: u16) -> String {
        match (self, amount) {
            (Self::En, 1) => "1 cup".to_owned(),
            (Self::En, n) => format!("{n} cups"),
            (Self::Ko, n) => format!("{n}잔"),
        }
    }

    /// Of two texts the one in this language.
    pub(crate) fn pick<'a>(self, en: &'a str, ko: &'a str) -> &'a str {
        if self == Self::Ko { ko } else { en }
    }
}
