//! Which modules a module imports.

/// What stands in the static imports of a module, as it is written there, in order. Seen are statements that begin at
/// the start of a line, which in a module is all of them; a dynamic `import()` is made when it is needed, not before.
pub(crate) fn specifiers(module: &str) -> Vec<&str> {
    let starts = module.match_indices(['i', 'e']).map(|(at, _)| at);
    let at_line_start = starts.filter(|at| *at == 0 || module.as_bytes()[at - 1] == b'\n');
    at_line_start.filter_map(|at| specifier(&module[at..])).collect()
}

fn specifier(statement: &str) -> Option<&str> {
    let rest = statement.strip_prefix("import").or_else(|| statement.strip_prefix("export"))?;
    let rest = rest.trim_start();
    // `import './x.js';`, `import … from './x.js';`, `export … from './x.js';`
    let quoted = if rest.starts_with(['\'', '"']) {
        rest
    } else {
        let names = rest.strip_prefix('*').unwrap_or(rest);
        let names = match names.trim_start().strip_prefix('{') {
            Some(list) => list.split_once('}')?.1,
            None => names.split_once([';', '\n', '(', '=']).map_or(names, |(line, _)| line),
        };
        names.split_once("from ")?.1
    };
    let quote = quoted.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    quoted[1..].split_once(quote).map(|(name, _)| name)
}

/// The path of what `from` imports as `specifier`; `None` if that is no path, or leads out of the pages.
pub(crate) fn resolve(from: &str, specifier: &str) -> Option<String> {
    if !specifier.starts_with("./") && !specifier.starts_with("../") {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_static_import_is_seen_and_nothing_else() {
        let module = "/** @typedef {import('./types.js').T} T */\nimport { a } from './a.js';\nimport './b.js';\n\
                      import * as c from \"../c.js\";\nimport {\n  d,\n  e as from,\n} from './d.js';\nimport f, { g } from './f.js';\n\
                      export { h } from './h.js';\nexport const from = './no.js';\nexport default {\n  \"a\": \"from './no.js'\"\n};\n\
                      export function i() {\n  return import('./no.js');\n}\nif (a) {\n  from('./no.js');\n}\n\
                      export class X extends Y {\n}\nexport * from './i.js';\n";
        assert_eq!(
            specifiers(module),
            ["./a.js", "./b.js", "../c.js", "./d.js", "./f.js", "./h.js", "./i.js"]
        );
    }

    #[test]
    fn a_path_is_relative_to_the_module_that_says_it() {
        assert_eq!(resolve("order.js", "./lib/i18n.js").as_deref(), Some("lib/i18n.js"));
        assert_eq!(resolve("lib/live.js", "../vendor/x.js").as_deref(), Some("vendor/x.js"));
        assert_eq!(resolve("lib/live.js", "./i18n.js").as_deref(), Some("lib/i18n.js"));
        assert_eq!(resolve("order.js", "../secret.js"), None);
        assert_eq!(resolve("order.js", "lit-html"), None);
    }
}
