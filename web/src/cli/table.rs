//! Aligned columns on a terminal, East Asian characters two cells wide.

/// Text made safe for a terminal: control characters, and those that turn the writing direction, are
/// replaced. Names in certificates are chosen by strangers.
#[must_use]
pub fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

/// Cells a text takes on a terminal.
///
/// Source: Unicode UAX #11, wide and full-width ranges; combining marks of the common blocks take none.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(cells).sum()
}

const fn cells(c: char) -> usize {
    match c as u32 {
        0x0300..=0x036f | 0x200b..=0x200d | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xa000..=0xa4cf
        | 0xa960..=0xa97f
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff01..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// A table with a head and rows of as many columns.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
    columns: usize,
}

impl Table {
    /// A table with these column heads.
    #[must_use]
    pub fn new<const N: usize>(heads: [&str; N]) -> Self {
        Self { rows: vec![heads.map(str::to_owned).to_vec()], columns: N }
    }

    /// Names and values, without a head.
    #[must_use]
    pub const fn pairs() -> Self {
        Self::bare(2)
    }

    /// A table of this many columns, without a head.
    #[must_use]
    pub const fn bare(columns: usize) -> Self {
        Self { rows: Vec::new(), columns }
    }

    /// Adds a row. Missing columns stay empty.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().take(self.columns).map(|cell| plain(&cell.into())).collect());
    }
}

impl std::fmt::Display for Table {
    /// Columns two spaces apart; the last is not padded.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let widest = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns).map(widest).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, wide) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', wide - width(cell) + 2));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_characters_take_two_cells() {
        assert_eq!(width("印信"), 4);
        assert_eq!(width("Yinxin（印信）"), 6 + 8);
        assert_eq!(width("é"), 1);
        assert_eq!(width("e\u{301}"), 1);
    }

    #[test]
    fn columns_line_up_whatever_the_script() {
        let mut table = Table::new(["NAME", "STATE"]);
        table.row(["张三", "good"]);
        table.row(["www.a.cn", "revoked"]);
        assert_eq!(table.to_string(), "NAME      STATE\n张三      good\nwww.a.cn  revoked\n");
    }

    #[test]
    fn nothing_in_a_cell_can_steer_the_terminal() {
        let mut table = Table::pairs();
        table.row(["a\nb", "\u{1b}]0;x\u{7}\u{202e}txt"]);
        assert_eq!(table.to_string(), "a\u{fffd}b  \u{fffd}]0;x\u{fffd}\u{fffd}txt\n");
    }
}
