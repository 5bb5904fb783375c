//! Why something is not converted, in both languages.

use std::fmt;

use crypto_pool::envelope::BadEnvelope;
use crypto_pool::envelope::csr_response::BadResponse;
use crypto_pool::password::Locked;

/// Why nothing was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// What is said of the file with this name is the reason.
    File(String, Reason),
    /// What was given cannot be put together so, or could not be written.
    Whole(Reason),
    /// Not a fault of what was given: something must be chosen or named beside it.
    Missing(Missing),
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A passphrase does not open it, or its protection is not known.
    Locked(Locked),
    /// The envelope, or the key in it.
    Envelope(BadEnvelope),
    /// The delivery of a pair of certificates (CSRResponse).
    Delivery(BadResponse),
    /// Its PEM is damaged.
    Pem,
    /// Neither a key nor a certificate in it.
    Empty,
    /// None of the forms that are read.
    Unknown,
    /// A message in it does not read.
    Message,
    /// Another private key was there before.
    SecondKey,
    /// The key that should open an envelope is in an envelope itself.
    OwnEnveloped,
    /// The private key's algorithm.
    Algorithm,
    /// The private key is not SM2.
    NotSm2,
    /// No certificate belongs to the private key.
    NoOwn,
    /// The recipient's certificate has no SM2 key.
    Recipient,
    /// It does not fit PEM.
    Armour,
}

/// What must be there too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// A private key.
    Key,
    /// A certificate.
    Certificate,
    /// That a key in clear is wanted.
    Clear,
}

impl Reason {
    fn chinese(self) -> String {
        match self {
            Self::Locked(why) => locked(why),
            Self::Envelope(why) | Self::Delivery(BadResponse::Envelope(why)) => envelope(why),
            Self::Delivery(BadResponse::OtherHolder) => "其中的签名证书不属于这个私钥".to_owned(),
            Self::Delivery(BadResponse::OtherKey) => "其中的加密证书与加密私钥不成对（可能两半被调换）".to_owned(),
            Self::Delivery(BadResponse::Half) => "其中只有加密证书和加密私钥之一".to_owned(),
            Self::Delivery(why) => format!("双证书应答无法读取（{why}）"),
            Self::Pem => "PEM 已损坏".to_owned(),
            Self::Empty => "其中既没有私钥，也没有证书".to_owned(),
            Self::Unknown => "不是私钥、证书、PKCS#12、PKCS#7 或数字信封".to_owned(),
            Self::Message => "其中的 PKCS#7 消息无法读取".to_owned(),
            Self::SecondKey => "这是第二个私钥，请一次只转换一个".to_owned(),
            Self::OwnEnveloped => "用来拆封的私钥本身也在信封中，请先转换它".to_owned(),
            Self::Algorithm => "私钥的算法不受支持".to_owned(),
            Self::NotSm2 => "私钥不是 SM2 密钥".to_owned(),
            Self::NoOwn => "给出的证书都不属于这个私钥".to_owned(),
            Self::Recipient => "接收人的证书中不是 SM2 公钥".to_owned(),
            Self::Armour => "无法写成 PEM".to_owned(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Locked(why) => return why.fmt(f),
            Self::Envelope(why) => return why.fmt(f),
            Self::Delivery(why) => return why.fmt(f),
            Self::Pem => "its PEM is damaged",
            Self::Empty => "there is neither a key nor a certificate in it",
            Self::Unknown => "it is no key, certificate, PKCS#12 file, PKCS#7 or envelope",
            Self::Message => "the PKCS#7 message in it does not read",
            Self::SecondKey => "this is a second private key; convert one at a time",
            Self::OwnEnveloped => "the key that should open it is in an envelope itself; convert that one first",
            Self::Algorithm => "the private key is of an algorithm that is not known here",
            Self::NotSm2 => "the private key is no SM2 key",
            Self::NoOwn => "none of the certificates is that of the private key",
            Self::Recipient => "the certificate of the recipient has no SM2 key",
            Self::Armour => "PEM cannot be written",
        })
    }
}

fn locked(why: Locked) -> String {
    match why {
        Locked::Password => "口令不正确，或文件已损坏".to_owned(),
        Locked::Algorithm(oid) => format!("保护算法 {oid} 不受支持"),
        Locked::Rounds => "要求的口令派生迭代次数过多".to_owned(),
        Locked::Random => "随机数发生器故障".to_owned(),
        other => format!("无法读取（{other}）"),
    }
}

fn envelope(why: BadEnvelope) -> String {
    match why {
        BadEnvelope::UnknownShape => "不是四种数字信封中的任何一种".to_owned(),
        BadEnvelope::Recipient => "不是封给这个私钥的，或已被改动".to_owned(),
        BadEnvelope::OtherKey => "其中的私钥与旁边的公钥不成对（可能两半被调换）".to_owned(),
        BadEnvelope::NoKey => "其中不是 SM2 私钥".to_owned(),
        BadEnvelope::Algorithm(oid) => format!("加密算法 {oid} 不受支持"),
        BadEnvelope::Clear => "这种形式中私钥是明文，没有接收人".to_owned(),
        BadEnvelope::Random => "随机数发生器故障".to_owned(),
        other => format!("无法读取（{other}）"),
    }
}

impl Refusal {
    /// In Chinese, a whole sentence.
    #[must_use]
    pub fn chinese(&self) -> String {
        match self {
            Self::File(name, why) => format!("{name}：{}。", why.chinese()),
            Self::Whole(why) => format!("{}。", why.chinese()),
            Self::Missing(Missing::Key) => "这种形式需要私钥，请一并选择私钥文件。".to_owned(),
            Self::Missing(Missing::Certificate) => "这种形式需要证书，请一并选择证书文件。".to_owned(),
            Self::Missing(Missing::Clear) => "这种形式中私钥是明文；确实需要时请勾选“明文”。".to_owned(),
        }
    }

    /// In English, a whole sentence.
    #[must_use]
    pub fn english(&self) -> String {
        match self {
            Self::File(name, why) => format!("{name}: {why}."),
            Self::Whole(why) => {
                let words = why.to_string();
                let mut letters = words.chars();
                let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
                format!("{first}{}.", letters.as_str())
            }
            Self::Missing(Missing::Key) => "This form needs a private key; name its file too.".to_owned(),
            Self::Missing(Missing::Certificate) => "This form needs a certificate; name its file too.".to_owned(),
            Self::Missing(Missing::Clear) => {
                "This form has the private key in clear; add --clear if that is what you want.".to_owned()
            }
        }
    }
}

impl From<Locked> for Refusal {
    fn from(why: Locked) -> Self {
        Self::Whole(Reason::Locked(why))
    }
}

impl From<BadEnvelope> for Refusal {
    fn from(why: BadEnvelope) -> Self {
        Self::Whole(Reason::Envelope(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_said_in_both_languages() {
        let refused = Refusal::File("enc.key".to_owned(), Reason::Envelope(BadEnvelope::Recipient));
        assert_eq!(refused.english(), "enc.key: it is not for this recipient's key, or it was changed.");
        assert_eq!(refused.chinese(), "enc.key：不是封给这个私钥的，或已被改动。");
        assert_eq!(Refusal::Whole(Reason::NoOwn).english(), "None of the certificates is that of the private key.");
    }
}
