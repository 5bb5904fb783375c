//! A Rust source file taken apart: code, texts of string literals, comments.
//!
//! A small lexer, enough for rules about words: it knows comments (nested too), strings (raw and
//! byte strings too), characters and lifetimes. What it blanks keeps its line breaks, so a position
//! in any part gives the right line.

/// A source file taken apart.
#[derive(Debug, Default)]
pub struct Source {
    /// The code; comments, strings and characters are blank.
    pub code: String,
    /// Every string literal: its first line and its text, escapes as written.
    pub strings: Vec<(usize, String)>,
}

impl Source {
    /// Takes `text` apart. Test modules (`#[cfg(test)] mod … { … }`) are left out entirely.
    pub fn without_tests(text: &str) -> Self {
        let mut source = Self::of(text);
        while let Some((from, to)) = test_module(&source.code) {
            let lines = line_of(&source.code, from)..=line_of(&source.code, to);
            source.strings.retain(|(line, _)| !lines.contains(line));
            let blank: String = source.code[from..=to].chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
            source.code.replace_range(from..=to, &blank);
        }
        source
    }

    /// Takes `text` apart, tests included.
    pub fn of(text: &str) -> Self {
        let mut source = Self::default();
        let mut rest = text;
        let mut line = 1;
        while let Some(c) = rest.chars().next() {
            let (taken, string) = token(rest, source.code.chars().next_back());
            let (part, after) = rest.split_at(taken);
            if let Some(string) = string {
                source.strings.push((line, string.to_owned()));
            }
            if taken == c.len_utf8() && string.is_none() {
                source.code.push(c);
            } else {
                // Literals and comments leave a blank of one character per line break, and one at least,
                // so that the words around them stay apart.
                source.code.push(' ');
                source.code.extend(part.chars().filter(|c| *c == '\n'));
            }
            line += part.matches('\n').count();
            rest = after;
        }
        source
    }

    /// Lines on which `word` stands alone in the code: not as a part of a longer name.
    pub fn lines_with(&self, word: &str) -> Vec<usize> {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let mut lines = Vec::new();
        for (at, _) in self.code.match_indices(word) {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            let starts_inside = before.is_some_and(is_name) && word.chars().next().is_some_and(is_name);
            let ends_inside = after.is_some_and(is_name) && word.chars().next_back().is_some_and(is_name);
            if !starts_inside && !ends_inside {
                lines.push(line_of(&self.code, at));
            }
        }
        lines.dedup();
        lines
    }
}

/// The length of the token at the start of `rest`, and its text if it is a string literal. Anything
/// that is no comment and no literal is one character long.
fn token(rest: &str, before: Option<char>) -> (usize, Option<&str>) {
    let one = rest.chars().next().map_or(0, char::len_utf8);
    let inside_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if rest.starts_with('"') {
        return quoted(rest, 0);
    }
    if !inside_name {
        for prefix in ["b\"", "c\""] {
            if rest.starts_with(prefix) {
                return quoted(rest, 1);
            }
        }
        for prefix in ["r", "br", "cr"] {
            if let Some(raw) = rest.strip_prefix(prefix).and_then(|after| raw_string(after, prefix.len())) {
                return raw;
            }
        }
    }
    if rest.starts_with('\'') {
        return (character(rest).unwrap_or(one), None);
    }
    (one, None)
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// A string whose quote stands at `skip`.
fn quoted(rest: &str, skip: usize) -> (usize, Option<&str>) {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(skip + 1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (at + 1, Some(&rest[skip + 1..at])),
            _ => {}
        }
    }
    (rest.len(), Some(&rest[skip + 1..]))
}

/// `after` stands behind the `r` of what may be a raw string.
fn raw_string(after: &str, prefix: usize) -> Option<(usize, Option<&str>)> {
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inner = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end)?;
    Some((prefix + hashes + 1 + length + end.len(), Some(&inner[..length])))
}

/// The length of a character literal; `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        return rest.char_indices().skip(3).find(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
    }
    let (at, close) = chars.next()?;
    (close == '\'').then_some(at + 1)
}

/// The first test module in blanked code: where its attribute starts and its last brace is.
fn test_module(code: &str) -> Option<(usize, usize)> {
    let mut search = 0;
    while let Some(found) = code[search..].find("#[cfg(test)]") {
        let from = search + found;
        let item = code[from..].trim_start_matches("#[cfg(test)]").trim_start();
        let brace = code[from..].find('{').map(|at| from + at);
        let is_module = item.starts_with("mod ") || item.starts_with("pub mod ") || item.starts_with("pub(crate) mod ");
        match brace {
            // A module in a file of its own ends with a semicolon before any brace.
            Some(open) if is_module && !code[from..open].contains(';') => return Some((from, closing(code, open)?)),
            _ => search = from + 1,
        }
    }
    None
}

fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(open + at);
        }
    }
    None
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_code() {
        let source = Source::of("let a = \"unsafe\"; // unsafe\n/* unsafe /* nested */ */ let b = 'u'; fn f<'a>() {}");
        assert!(source.lines_with("unsafe").is_empty(), "{}", source.code);
        assert_eq!(source.strings, [(1, "unsafe".to_owned())]);
        assert_eq!(source.lines_with("fn"), [2]);
    }

    #[test]
    fn raw_and_byte_strings_end_where_they_should() {
        let source = Source::of("(r#\"a \" b\"#, b\"c\\\"d\", r\"e\\\", '\"', '\\'', unsafe)");
        let texts: Vec<_> = source.strings.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["a \" b", "c\\\"d", "e\\"]);
        assert_eq!(source.lines_with("unsafe"), [1]);
    }

    #[test]
    fn a_word_inside_a_longer_one_is_not_found() {
        let source = Source::of("unsafe_code\nmake_unsafe\nunsafe {");
        assert_eq!(source.lines_with("unsafe"), [3]);
    }

    #[test]
    fn test_modules_are_left_out_and_lines_stay_true() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { \"x }\"; }\n}\nfn c() {}\n";
        let source = Source::without_tests(text);
        assert!(source.strings.is_empty() && source.lines_with("b").is_empty(), "{}", source.code);
        assert_eq!((source.lines_with("a"), source.lines_with("c")), (vec![1], vec![6]));
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_hides_nothing() {
        let source = Source::without_tests("#[cfg(test)]\nmod tests;\nfn a() {}\n");
        assert_eq!(source.lines_with("a"), [3]);
    }
}
