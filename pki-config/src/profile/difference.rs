//! What changes from one text of a profile to another: rule by rule, for those who decide, and line by line.

use std::collections::BTreeMap;

use super::Profile;

/// What differs between two profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The rules that differ, by name, comments and layout left out.
    pub changes: Vec<Change>,
    /// Both texts, laid over each other.
    pub lines: Vec<Line>,
}

/// A rule that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name, such as `validity.days` or `key.certify[0].issuer`.
    pub rule: String,
    /// Its value before; `None` if it is new.
    pub before: Option<String>,
    /// Its value after; `None` if it is gone.
    pub after: Option<String>,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// In both texts.
    Both,
    /// In the text before only.
    Before,
    /// In the text after only.
    After,
}

impl Origin {
    /// The word in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Both => "same",
            Self::Before => "removed",
            Self::After => "added",
        }
    }
}

/// A line of one text or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it stands.
    pub origin: Origin,
    /// The line, without its end.
    pub text: String,
}

impl Profile {
    /// The difference from nothing at all.
    #[must_use]
    pub fn whole(&self) -> Difference {
        let change = |(rule, value)| Change { rule, before: None, after: Some(value) };
        let line = |text: &str| Line { origin: Origin::After, text: text.to_owned() };
        Difference {
            changes: rules(self.source_text()).into_iter().map(change).collect(),
            lines: self.source_text().lines().map(line).collect(),
        }
    }

    /// What differs from an earlier text.
    #[must_use]
    pub fn difference(&self, before: &Self) -> Difference {
        Difference { changes: changes(before, self), lines: lines(before.source_text(), self.source_text()) }
    }
}

fn changes(before: &Profile, after: &Profile) -> Vec<Change> {
    let (before, after) = (rules(before.source_text()), rules(after.source_text()));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let change = |name: &String| Change {
        rule: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    names.into_iter().map(change).filter(|change| change.before != change.after).collect()
}

/// Each rule of a text with its value. A profile was read before, so its text is TOML.
fn rules(source: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value) in source.parse::<toml::Table>().unwrap_or_default() {
        flatten(name, &value, &mut all);
    }
    all
}

/// Tables and lists of tables are taken apart; a list of words is one value.
fn flatten(name: String, value: &toml::Value, all: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                flatten(format!("{name}.{key}"), value, all);
            }
        }
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            for (place, value) in list.iter().enumerate() {
                flatten(format!("{name}[{place}]"), value, all);
            }
        }
        toml::Value::String(text) => drop(all.insert(name, text.clone())),
        other => drop(all.insert(name, other.to_string())),
    }
}

/// The longest common subsequence of lines, found by dynamic programming: texts are bounded when they are read, to a
/// few hundred lines in practice.
fn lines(before: &str, after: &str) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let line = |origin, text: &str| Line { origin, text: text.to_owned() };
    // A text of nothing but line ends would make the table large; show it whole instead.
    if old.len() * new.len() > 4_000_000 {
        let removed = old.iter().map(|text| line(Origin::Before, text));
        return removed.chain(new.iter().map(|text| line(Origin::After, text))).collect();
    }
    // common[i][j]: how many lines old[i..] and new[j..] have in common.
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut all) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            all.push(line(Origin::Both, old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            all.push(line(Origin::Before, old[i]));
            i += 1;
        } else {
            all.push(line(Origin::After, new[j]));
            j += 1;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::BuiltIn;

    fn changed(old: &str, new: &str) -> Difference {
        let before = BuiltIn::TlsServer.profile();
        assert!(before.source_text().contains(old));
        Profile::parse(&before.source_text().replacen(old, new, 1)).unwrap().difference(&before)
    }

    fn one(difference: &Difference) -> (&str, Option<&str>, Option<&str>) {
        let [change] = difference.changes.as_slice() else { panic!("{:?}", difference.changes) };
        (&change.rule, change.before.as_deref(), change.after.as_deref())
    }

    #[test]
    fn a_changed_rule_is_named_with_both_values() {
        assert_eq!(one(&changed("days = 199", "days = 90")), ("validity.days", Some("199"), Some("90")));
        let shorter = changed("\"p384\", \"rsa\"]\nsubject", "\"p384\"]\nsubject");
        let values = (r#"["p256", "p384", "rsa"]"#, r#"["p256", "p384"]"#);
        assert_eq!(one(&shorter), ("key.certify[1].issuer", Some(values.0), Some(values.1)));
    }

    #[test]
    fn new_rules_are_told_from_changed_ones() {
        let difference = changed("version = 1", "version = 1\nmust_staple = true");
        assert_eq!(one(&difference), ("must_staple", None, Some("true")));
    }

    #[test]
    fn a_comment_changes_lines_and_no_rule() {
        let difference = changed("# A TLS server.", "# A server.");
        assert_eq!(difference.changes, []);
        let marks: Vec<_> = difference.lines.iter().filter(|line| line.origin != Origin::Both).collect();
        assert_eq!(marks.len(), 2);
        assert_eq!((marks[0].origin, marks[1].origin), (Origin::Before, Origin::After));
    }

    #[test]
    fn the_lines_make_both_texts() {
        let (old, new) = ("a\nb\nc\nd", "b\nx\nd\ne");
        let lines = lines(old, new);
        let side = |left_out| {
            let kept = lines.iter().filter(|line| line.origin != left_out).map(|line| line.text.as_str());
            kept.collect::<Vec<_>>().join("\n")
        };
        assert_eq!((side(Origin::After).as_str(), side(Origin::Before).as_str()), (old, new));
        assert_eq!(lines.iter().filter(|line| line.origin == Origin::Both).count(), 2, "b and d");
    }
}
