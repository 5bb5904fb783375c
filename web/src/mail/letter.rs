//! The words of letters, in both languages. They go to people who may never have heard of this program.

use pki_config::config::MailLanguage;

/// A certificate as a letter speaks of it.
#[derive(Debug, Clone)]
pub(super) struct About<'a> {
    /// Of the installation.
    pub(super) installation: &'a str,
    /// Whole days that are left, at least 1.
    pub(super) days: u64,
    /// Subject, RFC 4514.
    pub(super) subject: &'a str,
    /// Alternative names, separated by commas.
    pub(super) sans: &'a str,
    /// Hexadecimal.
    pub(super) serial: &'a str,
    /// The issuer's word.
    pub(super) issuer: &'a str,
    /// The last second, UTC.
    pub(super) ends: &'a str,
    /// Whether it goes to the holder, and not to those who run the authority.
    pub(super) to_holder: bool,
}

/// Subject and text about a certificate that ends.
pub(super) fn ending(about: &About<'_>, language: MailLanguage) -> (String, String) {
    let parts: Vec<(String, String)> = match language {
        MailLanguage::Zh => vec![chinese(about)],
        MailLanguage::En => vec![english(about)],
        MailLanguage::Both => vec![chinese(about), english(about)],
    };
    let subject: Vec<&str> = parts.iter().map(|(subject, _)| subject.as_str()).collect();
    let text: Vec<&str> = parts.iter().map(|(_, text)| text.as_str()).collect();
    (subject.join(" / "), format!("{}\n-- \n印信 Yinxin {}\n", text.join("\n---\n\n"), about.installation))
}

fn chinese(about: &About<'_>) -> (String, String) {
    let (name, days) = (plain(name(about)), about.days);
    let subject = format!("证书将在 {days} 天后到期：{name}");
    let whose = if about.to_holder {
        "您持有的下列证书即将到期。"
    } else {
        "下列证书即将到期。证书中没有持有人的邮箱，故发送给您。"
    };
    let text = format!(
        "您好：\n\n{whose}\n\n  到期时间  {}（UTC，还有 {days} 天）\n{}\n\
         到期后，网站、程序和收件人将不再信任此证书。请在到期前向签发机构申请新证书；\
         如已更换，无需理会本邮件。\n\n本邮件由系统自动发送，请勿回复。任何人都不会以此为由向您索要私钥或口令。\n",
        about.ends,
        facts(about, ["主体", "其他名称", "序列号", "签发者"])
    );
    (subject, text)
}

fn english(about: &About<'_>) -> (String, String) {
    let (name, days) = (plain(name(about)), about.days);
    let unit = if days == 1 { "day" } else { "days" };
    let subject = format!("Certificate expires in {days} {unit}: {name}");
    let whose = if about.to_holder {
        "A certificate that you hold expires soon."
    } else {
        "A certificate expires soon. It holds no address of its holder, so this goes to you."
    };
    let text = format!(
        "Hello,\n\n{whose}\n\n  Expires   {} (UTC, {days} {unit} from now)\n{}\n\
         After that, browsers, programs and those you write to no longer trust it. Ask your certificate\n\
         authority for a new one before; if you have one already, there is nothing to do.\n\n\
         This letter was sent by a program, which reads no answers. Nobody will ask for your private key or\n\
         a password because of it.\n",
        about.ends,
        facts(about, ["Subject", "Names", "Serial", "Issuer"])
    );
    (subject, text)
}

/// The name people know the certificate by.
fn name<'a>(about: &About<'a>) -> &'a str {
    let common = about.subject.split(',').find_map(|part| part.trim().strip_prefix("CN="));
    let first = about.sans.split(',').next().map(|san| san.split_once(':').map_or(san, |(_, value)| value));
    common.or(first.filter(|first| !first.is_empty())).unwrap_or(about.serial)
}

fn facts(about: &About<'_>, labels: [&str; 4]) -> String {
    let values = [about.subject, about.sans, about.serial, about.issuer];
    let line = |(label, value): (&str, &str)| {
        // Chinese characters take two columns.
        let width: usize = label.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
        (!value.is_empty())
            .then(|| format!("  {label}{}{}\n", " ".repeat(10_usize.saturating_sub(width)), plain(value)))
    };
    labels.into_iter().zip(values).filter_map(line).collect()
}

/// Without control characters, and of bounded length: names come from requests.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// Subject and text of a letter to try the way with.
pub(super) fn trial(installation: &str) -> (String, String) {
    (
        "测试邮件 / Test letter".to_owned(),
        format!(
            "邮件发送正常。证书到期提醒将由同一邮件服务器发出。\n\n\
             Mail works. Letters about certificates that expire will take the same way.\n\n-- \n印信 Yinxin {installation}\n"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About<'static> {
        About {
            installation: "7F3A9C",
            days: 7,
            subject: "CN=www.example.cn,O=示例公司,C=CN",
            sans: "dns:www.example.cn,email:zhang@example.cn",
            serial: "4F0AC1D2",
            issuer: "sm2-issuing",
            ends: "2026-12-01 07:59:59",
            to_holder: true,
        }
    }

    #[test]
    fn a_letter_says_what_ends_when_and_what_to_do_in_the_language_asked_for() {
        let (subject, text) = ending(&about(), MailLanguage::Both);
        assert_eq!(subject, "证书将在 7 天后到期：www.example.cn / Certificate expires in 7 days: www.example.cn");
        for part in
            ["2026-12-01 07:59:59", "4F0AC1D2", "示例公司", "sm2-issuing", "申请新证书", "private key", "7F3A9C"]
        {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!ending(&about(), MailLanguage::En).1.contains("您好"));
        assert!(!ending(&about(), MailLanguage::Zh).1.contains("Hello"));
        let (subject, _) = ending(&About { days: 1, ..about() }, MailLanguage::En);
        assert_eq!(subject, "Certificate expires in 1 day: www.example.cn");
    }

    #[test]
    fn a_certificate_without_a_common_name_goes_by_its_first_name() {
        let nameless = About { subject: "", ..about() };
        assert!(ending(&nameless, MailLanguage::En).0.ends_with(": www.example.cn"));
        let bare = About { subject: "", sans: "", ..about() };
        assert!(ending(&bare, MailLanguage::En).0.ends_with(": 4F0AC1D2"));
    }

    #[test]
    fn whoever_runs_the_authority_is_told_why_the_letter_comes_to_them() {
        let (_, text) = ending(&About { to_holder: false, ..about() }, MailLanguage::Both);
        assert!(text.contains("没有持有人的邮箱") && text.contains("so this goes to you"));
    }
}
