//! The words of the key centre in the language of the page.

use crate::portal::ra::words::Words;

/// What its templates say of states and aims.
pub(super) trait CentreWords: Words {
    /// The state of a kept key.
    fn kept(&self, word: &str) -> &str {
        match word {
            "kept" => self.visitor().say("托管中", "kept"),
            "destroyed" => self.visitor().say("已销毁", "destroyed"),
            _ => "?",
        }
    }

    fn kept_class(&self, word: &str) -> &'static str {
        if word == "kept" { "good" } else { "off" }
    }

    /// The state of an order.
    fn order_state(&self, word: &str) -> &str {
        match word {
            "asked" => self.visitor().say("待批准", "to be approved"),
            "done" => self.visitor().say("已办理", "done"),
            "refused" => self.visitor().say("未批准", "not approved"),
            _ => "?",
        }
    }

    fn order_class(&self, word: &str) -> &'static str {
        match word {
            "asked" => "wait",
            "done" => "good",
            _ => "bad",
        }
    }

    /// What an order is for.
    fn aim(&self, word: &str) -> &str {
        match word {
            "holder" => self.visitor().say("为持有人恢复", "recovery for the holder"),
            "court" => self.visitor().say("司法取证", "recovery for a court"),
            "destroy" => self.visitor().say("销毁托管密钥", "destruction of the archived key"),
            _ => "?",
        }
    }
}

/// Gives a page of this folder its words.
macro_rules! centre_worded {
    ($page:ident) => {
        $crate::portal::ra::words::worded!($page);

        impl $crate::portal::centre::words::CentreWords for $page<'_> {}
    };
}
pub(super) use centre_worded;
