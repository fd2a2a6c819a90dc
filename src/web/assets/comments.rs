//! Scripts and style sheets without their comments, which are a third of what a page would load.
//!
//! It must never change a line that holds code: only lines that are comments alone become empty, so
//! that lines keep their numbers in reports of errors.

/// The text with every line emptied that is a comment alone, or part of one.
///
/// It reads lines, neither JavaScript nor CSS: a text over several lines must not look like a comment, which a
/// test of the pages' files checks.
pub(super) fn without_comments(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut in_comment = false;
    for line in code.lines() {
        let text = line.trim();
        if in_comment {
            in_comment = !text.ends_with("*/");
        } else if text.starts_with("/*") {
            match text.find("*/") {
                Some(end) if end + 2 < text.len() => kept.push_str(line),
                Some(_) => {}
                None => in_comment = true,
            }
        } else if !text.starts_with("//") {
            kept.push_str(line);
        }
        kept.push('\n');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::without_comments;

    #[test]
    fn lines_of_comments_become_empty_and_others_stay() {
        let script = "// @ts-check\n/**\n * What it is.\n */\nimport a from \"b\";\n  // Why.\n\
                      const c = /** @type {D} */ (1); // how\n/** One line. */\n/** @type {E} */ (f).g();\n";
        let served = "\n\n\n\nimport a from \"b\";\n\nconst c = /** @type {D} */ (1); // how\n\n\
                      /** @type {E} */ (f).g();\n";
        assert_eq!(without_comments(script), served);
    }
}
