//! What a page leaves open and the build knows: `{{…}}`, filled in once for each language.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports;

/// What a page for staff has on its root: `lib/i18n.js` loads their messages then.
const FOR_STAFF: &str = "data-for=\"staff\"";

/// Where what several pages have stands: it is filled in like a page, and is none.
const PARTS: &str = "parts/";

/// Whether this is a part of pages.
pub(crate) fn is_part(path: &str) -> bool {
    path.starts_with(PARTS)
}

/// Fills in pages.
pub(crate) struct Filler<'a> {
    files: &'a BTreeMap<String, String>,
    assets: String,
    icon: String,
    messages: BTreeMap<&'static str, BTreeMap<String, String>>,
}

impl<'a> Filler<'a> {
    /// With all the files there are, served below this hash.
    pub(crate) fn new(files: &'a BTreeMap<String, String>, hash: &str) -> Result<Self, String> {
        let mut messages = BTreeMap::new();
        for language in crate::LANGUAGES {
            let mut all = BTreeMap::new();
            for path in messages_of(language, true) {
                let text = files.get(&path).ok_or(format!("web/{path}: it is missing"))?;
                all.extend(parse(text).map_err(|why| format!("web/{path}: {why}"))?);
            }
            messages.insert(language, all);
        }
        let icon = files.get("icon.svg").ok_or("web/icon.svg: it is missing")?;
        Ok(Self { files, assets: format!("/web/{hash}"), icon: data_uri(icon), messages })
    }

    /// The page, or the part of one, in this language.
    pub(crate) fn page(&self, path: &str, language: &str) -> Result<String, String> {
        let html = self.files.get(path).ok_or_else(|| format!("web/{path}: it is missing"))?;
        let mut filled = String::with_capacity(html.len() * 2);
        let mut rest = html.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            filled += before;
            let line = html[..html.len() - after.len()].lines().count();
            let wrong = |why: &str| format!("web/{path}:{line}: {why}");
            let (name, after) = after.split_once("}}").ok_or_else(|| wrong("a {{ has no }}"))?;
            match name.split_once(' ').unwrap_or((name, "")) {
                ("assets", "") => filled += &self.assets,
                ("icon", "") => filled += &self.icon,
                ("lang", "") => filled += language,
                // Not in a part: one that held itself would have no end.
                ("part", name) if !is_part(path) => {
                    filled += self.page(&format!("{PARTS}{name}.html"), language)?.trim_end();
                }
                ("modules", "") => filled += &self.modules(html, language).map_err(|why| wrong(&why))?,
                ("t", key) => {
                    let message = self.messages[language].get(key);
                    let message = message
                        .ok_or_else(|| wrong(&format!("web/messages/{language}.js has no {key:?}")))?;
                    filled += &escape(message);
                }
                _ => {
                    return Err(wrong(&format!(
                        "there is no {{{{{name}}}}}; web/README.md says what there is"
                    )));
                }
            }
            rest = after;
        }
        Ok(filled + rest)
    }

    /// A page that is filled in, as it is where people practise: it says so above everything, in whichever language is
    /// shown, before any script has run.
    pub(crate) fn as_practice(&self, path: &str, page: &str) -> Result<String, String> {
        const ROOT: &str = "<html ";
        const BODY: &str = "<body>";
        let (head, body) = page
            .split_once(BODY)
            .ok_or_else(|| format!("web/{path}: it has no {BODY}, which practice needs"))?;
        let head = head.replacen(ROOT, "<html data-demo ", 1);
        let said = self.messages.iter().map(|(language, messages)| {
            let text = messages.get("demo.banner");
            let text = text.ok_or_else(|| format!("web/messages/{language}.js has no \"demo.banner\""))?;
            Ok(format!("<span lang=\"{language}\">{}</span>", escape(text)))
        });
        let said = said.collect::<Result<Vec<_>, String>>()?.concat();
        Ok(format!("{head}{BODY}\n<aside class=\"demo\">{said}</aside>{body}"))
    }

    /// A link for each module that the page's scripts import, and for the messages: without them the browser would
    /// find out about each only when it has read the one before.
    fn modules(&self, html: &str, language: &str) -> Result<String, String> {
        const SCRIPT: &str = "<script type=\"module\" src=\"{{assets}}/";
        let scripts: BTreeSet<&str> = html
            .match_indices(SCRIPT)
            .filter_map(|(at, _)| html[at + SCRIPT.len()..].split('"').next())
            .collect();
        let (mut seen, mut open) = (Vec::new(), scripts.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        while let Some(module) = open.pop() {
            if seen.contains(&module) {
                continue;
            }
            let text = self.files.get(&module).ok_or(format!("there is no web/{module}"))?;
            for specifier in imports::specifiers(text) {
                let path = imports::resolve(&module, specifier)
                    .filter(|path| self.files.contains_key(path))
                    .ok_or(format!("web/{module} imports {specifier:?}, which is not there"))?;
                open.push(path);
            }
            seen.push(module);
        }
        // A page without scripts has no use for messages.
        if !scripts.is_empty() {
            let messages = messages_of(language, html.contains(FOR_STAFF));
            let unseen: Vec<_> = messages.into_iter().filter(|module| !seen.contains(module)).collect();
            seen.extend(unseen);
        }
        let imported = seen.iter().filter(|module| !scripts.contains(module.as_str()));
        let links =
            imported.map(|module| format!("<link rel=\"modulepreload\" href=\"{}/{module}\">", self.assets));
        Ok(links.collect::<Vec<_>>().join("\n"))
    }
}

/// Where the messages of a language stand: those that everyone is told, and those of pages for staff.
fn messages_of(language: &str, for_staff: bool) -> Vec<String> {
    let mut paths = vec![format!("messages/{language}.js")];
    if for_staff {
        paths.push(format!("messages/staff-{language}.js"));
    }
    paths
}

/// The messages of one language: the module's one object is JSON.
fn parse(module: &str) -> Result<BTreeMap<String, String>, String> {
    let object = module.split_once("export default ").ok_or("it has no \"export default \"")?.1;
    let object = object.trim_end().strip_suffix(';').ok_or("it does not end with \"};\"")?;
    serde_json::from_str(object).map_err(|error| {
        format!("what it exports is no JSON object of texts: {error} after \"export default\" (no comments, no comma at the end)")
    })
}

/// As text, and in an attribute.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The icon where no request is worth it. Percent-encoded: shorter than base64, and it compresses.
fn data_uri(svg: &str) -> String {
    let mut uri = "data:image/svg+xml,".to_owned();
    for c in svg.trim_end().chars() {
        match c {
            '"' => uri.push('\''),
            '#' | '%' | '<' | '>' | '&' | '{' | '}' => uri.extend(['%', hex_digit(c, 4), hex_digit(c, 0)]),
            '\n' => uri.push(' '),
            c => uri.push(c),
        }
    }
    uri
}

/// Four bits of an ASCII character.
fn hex_digit(c: char, shift: u32) -> char {
    char::from_digit(u32::from(c) >> shift & 15, 16).unwrap_or_default().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> BTreeMap<String, String> {
        let files = [
            ("icon.svg", "<svg id=\"i\"/>\n"),
            ("messages/en.js", "/** Texts. */\nexport default {\n  \"a.b\": \"Tea & <milk>\"\n};\n"),
            ("messages/ko.js", "export default {\n  \"a.b\": \"차\"\n};\n"),
            ("messages/staff-en.js", "export default {\n  \"s.b\": \"Tamper\"\n};\n"),
            ("messages/staff-ko.js", "export default {\n  \"s.b\": \"탬퍼\"\n};\n"),
            ("lib/i18n.js", "export const t = 1;\n"),
            ("vendor/lit.js", ""),
            (
                "page.js",
                "import { t } from './lib/i18n.js';\nimport './vendor/lit.js';\nimport './page-2.js';\n",
            ),
            ("both.js", "import en from './messages/en.js';\nimport ko from './messages/ko.js';\n"),
            ("page-2.js", "import './page.js';\nimport './lib/i18n.js';\n"),
        ];
        files.map(|(path, text)| (path.to_owned(), text.to_owned())).into()
    }

    fn filled(html: &str, language: &str) -> Result<String, String> {
        let mut files = files();
        files.insert("page.html".to_owned(), html.to_owned());
        Filler::new(&files, "abc")?.page("page.html", language)
    }

    #[test]
    fn a_page_is_filled_in_its_language() {
        let html = "<html lang=\"{{lang}}\"><link href=\"{{assets}}/x.css\"><link rel=icon href=\"{{icon}}\"><title>{{t a.b}}</title>";
        assert_eq!(
            filled(html, "en").unwrap(),
            "<html lang=\"en\"><link href=\"/web/abc/x.css\"><link rel=icon href=\"data:image/svg+xml,%3Csvg id='i'/%3E\">\
             <title>Tea &amp; &lt;milk&gt;</title>"
        );
        assert!(filled(html, "ko").unwrap().ends_with("<title>차</title>"));
    }

    #[test]
    fn the_banner_of_practice_stands_first_in_the_body_and_is_demanded() {
        let mut files = files();
        let practised = |files: &BTreeMap<String, String>, page: &str| {
            Filler::new(files, "abc").and_then(|filler| filler.as_practice("page.html", page))
        };
        let page = "<html lang=\"en\"><body>\n<p></body>";
        assert!(practised(&files, page).unwrap_err().contains("demo.banner"));
        for language in crate::LANGUAGES {
            let text = format!("export default {{\"demo.banner\": \"{language} & more\"}};");
            files.insert(messages_of(language, false).concat(), text);
        }
        assert_eq!(
            practised(&files, page).unwrap(),
            "<html data-demo lang=\"en\"><body>\n<aside class=\"demo\"><span lang=\"en\">en &amp; more</span>\
             <span lang=\"ko\">ko &amp; more</span></aside>\n<p></body>"
        );
        assert!(practised(&files, "<p>").unwrap_err().contains("<body>"));
    }

    #[test]
    fn every_module_is_linked_once_and_of_the_messages_only_those_of_the_language() {
        let script = "<script type=\"module\" src=\"{{assets}}/page.js\"></script>";
        let page = filled(&format!("{{{{modules}}}}{script}"), "ko").unwrap();
        let links: Vec<&str> = page.lines().filter_map(|line| line.split('"').nth(3)).collect();
        assert_eq!(
            links,
            [
                "/web/abc/page-2.js",
                "/web/abc/lib/i18n.js",
                "/web/abc/vendor/lit.js",
                "/web/abc/messages/ko.js"
            ]
        );
        assert_eq!(filled("{{modules}}", "ko").unwrap(), "");
        let page =
            filled(&format!("<html data-for=\"staff\">{{{{t s.b}}}}{{{{modules}}}}{script}"), "ko").unwrap();
        assert!(
            page.contains("탬퍼") && page.contains("messages/ko.js") && page.contains("messages/staff-ko.js"),
            "{page}"
        );
        let script = script.replace("page", "both");
        let page = filled(&format!("{{{{modules}}}}{script}"), "ko").unwrap();
        assert_eq!(page.matches("modulepreload").count(), 2, "{page}");
    }

    #[test]
    fn what_can_not_be_filled_in_is_named_with_its_place() {
        for (html, why) in [
            ("<p>\n{{assets", "web/page.html:2: a {{ has no }}"),
            ("{{asets}}", "web/page.html:1: there is no {{asets}}; web/README.md says what there is"),
            ("\n\n{{t a.c}}", "web/page.html:3: web/messages/en.js has no \"a.c\""),
            ("{{part no}}", "web/parts/no.html: it is missing"),
            (
                "{{modules}}<script type=\"module\" src=\"{{assets}}/no.js\">",
                "web/page.html:1: there is no web/no.js",
            ),
        ] {
            assert_eq!(filled(html, "en").unwrap_err(), why);
        }
        let mut broken = files();
        broken.insert("messages/ko.js".to_owned(), "export default { \"a\": 1, };".to_owned());
        let Err(why) = Filler::new(&broken, "abc") else { panic!("a number is no text") };
        assert!(why.starts_with("web/messages/ko.js: what it exports is no JSON object of texts: "), "{why}");
    }

    #[test]
    fn a_part_is_filled_in_like_the_page_and_holds_none_itself() {
        let mut files = files();
        files.insert("page.html".to_owned(), "<p>{{part a}}</p>".to_owned());
        files.insert("parts/a.html".to_owned(), "<b lang={{lang}}>\n".to_owned());
        assert_eq!(
            Filler::new(&files, "abc").unwrap().page("page.html", "ko").unwrap(),
            "<p><b lang=ko></p>"
        );
        files.insert("parts/a.html".to_owned(), "{{part a}}".to_owned());
        let why = Filler::new(&files, "abc").unwrap().page("page.html", "ko").unwrap_err();
        assert_eq!(why, "web/parts/a.html:1: there is no {{part a}}; web/README.md says what there is");
    }

    #[test]
    fn an_import_of_what_is_not_there_is_named() {
        let mut files = files();
        files.insert("page-2.js".to_owned(), "import 'lit-html';\n".to_owned());
        let html = "{{modules}}<script type=\"module\" src=\"{{assets}}/page.js\">";
        files.insert("page.html".to_owned(), html.to_owned());
        let why = Filler::new(&files, "abc").unwrap().page("page.html", "en").unwrap_err();
        assert_eq!(why, "web/page.html:1: web/page-2.js imports \"lit-html\", which is not there");
    }
}
