//! Tables for table programs: CSV of RFC 4180.

/// One row, with its line end. What a table program would take for a formula gets an apostrophe before it: subjects
/// and names come from requests, and whoever opens the file must not run them.
#[must_use]
pub fn row<T: AsRef<str>>(cells: &[T]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| written(cell.as_ref())).collect();
    cells.join(",") + "\r\n"
}

fn written(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{guard}{}\"", cell.replace('"', "\"\""))
    } else {
        format!("{guard}{cell}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_rfc_4180_says_so() {
        assert_eq!(
            row(&["a", "b,c", "say \"no\"", "two\nlines", ""]),
            "a,\"b,c\",\"say \"\"no\"\"\",\"two\nlines\",\r\n"
        );
    }

    #[test]
    fn nothing_a_table_program_would_run_gets_into_a_cell() {
        assert_eq!(row(&["=1+1", "+1", "-1", "@x", "\t=1", "CN=x"]), "'=1+1,'+1,'-1,'@x,'\t=1,CN=x\r\n");
        assert_eq!(row(&["=HYPERLINK(\"x\",1)"]), "\"'=HYPERLINK(\"\"x\"\",1)\"\r\n");
    }
}
