//! The modules that a page's entry needs, from the import statements of the files.
//!
//! A page that names them lets a browser fetch them all at once, instead of one after the other along
//! the chain of imports. Nothing here reads a file.

/// A module and all that it imports, directly and through others, each once and in the order in which
/// they are found. `read` returns the text of a file of `static`. What is imported only when it is
/// needed, with `import()`, is not among them.
pub(super) fn needed(entry: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut found = vec![entry.to_owned()];
    let mut next = 0;
    while let Some(module) = found.get(next).cloned() {
        next += 1;
        let text = read(&module).unwrap_or_default();
        for import in imports(&text) {
            if let Some(path) = resolve(&module, import)
                && !found.contains(&path)
            {
                found.push(path);
            }
        }
    }
    found
}

/// The addresses in the import and export statements of a module, which begin a line.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    let mut statements = text.match_indices('\n').map(|(at, _)| &text[at + 1..]);
    std::iter::once(text)
        .chain(std::iter::from_fn(move || statements.next()))
        .filter_map(|rest| {
            let is_import = rest.strip_prefix("import");
            let clause = is_import.or_else(|| rest.strip_prefix("export"))?;
            let quote = clause.find(['"', ';', '(', '='])?;
            let (clause, rest) = clause.split_at(quote);
            let clause = clause.trim();
            let names_a_file =
                clause.ends_with("from") || (is_import.is_some() && clause.is_empty());
            let address = rest.strip_prefix('"')?.split('"').next()?;
            names_a_file.then_some(address)
        })
}

/// The path in `static` of what a module imports; `None` if it is none.
fn resolve(module: &str, import: &str) -> Option<String> {
    if !import.starts_with("./") && !import.starts_with("../") {
        return None;
    }
    let mut parts: Vec<&str> = module.split('/').collect();
    parts.pop();
    for part in import.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_import_is_found_and_nothing_else() {
        let text = r#"import "./first.js";
// import "./comment.js";
/** @typedef {import("./types.js").Body} Body */
import { a, b } from "./names.js";
import * as all from "../net/all.js";
import {
  long,
  list,
} from "./lines.js";
export { c } from "./again.js";
export * from "./star.js";
export const TEXT = "./no-module.js";
export function from() { return "./no.js"; }
const late = import("./late.js");
import("./later.js");
  import "./indented.js";
import outside from "https://elsewhere.example/x.js";
"#;
        let found: Vec<_> = imports(text).collect();
        let expected = [
            "./first.js",
            "./names.js",
            "../net/all.js",
            "./lines.js",
            "./again.js",
            "./star.js",
            "https://elsewhere.example/x.js",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn modules_are_followed_through_folders_and_circles_once() {
        let read = |path: &str| {
            let text = match path {
                "pages/board.js" => "import \"../net/sync.js\";\nimport \"./part.js\";",
                "net/sync.js" => "import \"./socket.js\";\nimport \"../pages/part.js\";",
                "net/socket.js" => "import \"./sync.js\";\nimport \"../../outside.js\";",
                "pages/part.js" => "",
                _ => return None,
            };
            Some(text.to_owned())
        };
        let expected = [
            "pages/board.js",
            "net/sync.js",
            "pages/part.js",
            "net/socket.js",
        ];
        assert_eq!(needed("pages/board.js", read), expected);
    }
}
