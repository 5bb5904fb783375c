//! Paths in documents (`ST_Loc`, GB/T 33190-2016 7.4): from the root when they begin with `/`, else from the folder
//! of the file that holds them.

/// A path that leads out of the package, or is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outside;

/// The folder of a file: empty, or ending in `/`.
pub(super) fn folder(file: &str) -> &str {
    file.rfind('/').and_then(|slash| file.get(..=slash)).unwrap_or("")
}

/// The path from the root of the package that `path` means in the file `holder`, without `/` in front.
///
/// # Errors
/// [`Outside`].
pub(super) fn resolve(holder: &str, path: &str) -> Result<String, Outside> {
    let path = path.trim().replace('\\', "/");
    if path.is_empty() {
        return Err(Outside);
    }
    let base = if path.starts_with('/') { "" } else { folder(holder) };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or(Outside)?;
            }
            part if part.contains([':', '\0']) => return Err(Outside),
            part => parts.push(part),
        }
    }
    if parts.is_empty() { Err(Outside) } else { Ok(parts.join("/")) }
}

/// As [`resolve`], but a path that names no file from its holder's folder is tried from the root: programs write
/// `Doc_0/Signs/…` without the `/` in front in files that are not at the root.
///
/// # Errors
/// [`Outside`].
pub(super) fn locate(holder: &str, path: &str, exists: impl Fn(&str) -> bool) -> Result<String, Outside> {
    let near = resolve(holder, path)?;
    if exists(&near) {
        return Ok(near);
    }
    match resolve("", path) {
        Ok(far) if exists(&far) => Ok(far),
        _ => Ok(near),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_from_the_root_or_from_the_folder_of_their_file() {
        assert_eq!(resolve("OFD.xml", "Doc_0/Document.xml").as_deref(), Ok("Doc_0/Document.xml"));
        assert_eq!(resolve("Doc_0/Document.xml", "Pages/a.xml").as_deref(), Ok("Doc_0/Pages/a.xml"));
        assert_eq!(resolve("Doc_0/Document.xml", "/Res/a.xml").as_deref(), Ok("Res/a.xml"));
        assert_eq!(resolve("Doc_0/Signs/S.xml", "../Res/./a.xml").as_deref(), Ok("Doc_0/Res/a.xml"));
    }

    #[test]
    fn paths_out_of_the_package_are_refused() {
        for path in ["/../a", "Pages/../../../a", "", " ", "/", "C:/a", "a\0b", "..\\..\\a"] {
            assert_eq!(resolve("Doc_0/Document.xml", path), Err(Outside), "{path}");
        }
        assert_eq!(resolve("Doc_0/Document.xml", "../a").as_deref(), Ok("a"));
        assert_eq!(resolve("OFD.xml", "../a"), Err(Outside));
    }

    #[test]
    fn a_path_without_its_first_slash_is_found_from_the_root() {
        let exists = |name: &str| name == "Doc_0/Signs/Sign_0/Seal.esl";
        assert_eq!(
            locate("Doc_0/Signs/Signatures.xml", "Doc_0/Signs/Sign_0/Seal.esl", exists).as_deref(),
            Ok("Doc_0/Signs/Sign_0/Seal.esl")
        );
        assert_eq!(locate("Doc_0/a.xml", "b.xml", exists).as_deref(), Ok("Doc_0/b.xml"));
    }
}
