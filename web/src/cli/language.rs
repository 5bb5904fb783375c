//! Chinese or English, as the locale says.

/// The language of what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English, unless the locale is Chinese.
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// From `LC_ALL`, else `LC_MESSAGES`, else `LANG`; an empty variable counts as unset (POSIX 8.2).
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_locales(["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).unwrap_or_default()))
    }

    fn from_locales(locales: [String; 3]) -> Self {
        let first = locales.into_iter().find(|locale| !locale.is_empty()).unwrap_or_default();
        if first.to_ascii_lowercase().starts_with("zh") { Self::Chinese } else { Self::English }
    }

    /// The one of two wordings.
    #[must_use]
    pub const fn of<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(all: &str, messages: &str, lang: &str) -> Language {
        Language::from_locales([all.to_owned(), messages.to_owned(), lang.to_owned()])
    }

    #[test]
    fn the_first_locale_that_is_set_decides() {
        assert_eq!(of("", "", "zh_CN.UTF-8"), Language::Chinese);
        assert_eq!(of("", "", "zh_TW"), Language::Chinese);
        assert_eq!(of("C", "", "zh_CN.UTF-8"), Language::English);
        assert_eq!(of("", "zh_CN.UTF-8", "en_GB.UTF-8"), Language::Chinese);
        assert_eq!(of("", "", ""), Language::English);
    }
}
