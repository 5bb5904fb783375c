//! What a form sent: names and values, any name as often as it stands.

use axum::body::Bytes;

/// The fields of a form in `application/x-www-form-urlencoded`.
#[derive(Debug, Clone, Default)]
pub(in crate::portal) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Any bytes read as some form; what is not UTF-8 in them becomes replacement characters.
    pub(in crate::portal) fn read(body: &Bytes) -> Self {
        // Browsers send the line ends of text fields as CR LF.
        let pairs = form_urlencoded::parse(body);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect())
    }

    /// The first value under a name, without the spaces around it; empty if there is none.
    pub(in crate::portal) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// The first value under a name, as it was sent.
    pub(in crate::portal) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The first without the spaces around it, if something was typed.
    pub(in crate::portal) fn typed(&self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Every value under a name.
    pub(in crate::portal) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// One more field.
    pub(in crate::portal) fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.replace("\r\n", "\n")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static str) -> Fields {
        Fields::read(&Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn a_form_gives_its_fields_and_each_as_often_as_it_stands() {
        let fields = read("one=EC%2Fa&one=b+c&csr=x%0D%0Ay&empty=");
        assert_eq!(fields.all("one"), ["EC/a", "b c"]);
        assert_eq!((fields.get("csr"), fields.typed("empty"), fields.get("none")), ("x\ny", None, ""));
    }

    #[test]
    fn broken_encodings_are_some_text_and_no_panic() {
        assert_eq!(read("a=%ZZ&b=%E4%BD").get("a"), "%ZZ");
        assert_eq!(read("&&=&%").all("x"), Vec::<&str>::new());
    }
}
