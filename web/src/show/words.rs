//! What is wrong with the form of something, in both languages.

use crypto_pool::ber::Rule;
use crypto_pool::path::Deviation;

/// A rule of DER.
pub(super) fn breach(rule: Rule) -> (String, &'static str) {
    let zh = match rule {
        Rule::IndefiniteLength => "长度不定（X.690 10.1 要求定长）",
        Rule::LongLength => "长度编码不是最短（X.690 10.1）",
        Rule::Pieces => "字符串分段编码（X.690 10.2）",
        Rule::Boolean => "TRUE 的取值不是 FF（X.690 11.1）",
        Rule::Integer => "INTEGER 编码不是最短（X.690 8.3.2）",
        Rule::UnusedBits => "BIT STRING 的未用比特不为零（X.690 11.2.1）",
        Rule::SetOrder => "SET 的元素未按序排列（X.690 10.3、11.6）",
        Rule::Time => "时间缺秒、带时区或有多余数字（X.690 11.7、11.8）",
        Rule::Null => "NULL 带有内容（X.690 8.8.2）",
        Rule::Unreadable => "有元素无法读取",
        Rule::Trailing => "结尾之后还有数据",
        _ => "不符合 DER",
    };
    (rule.to_string(), zh)
}

/// What strict readers refuse.
pub(super) const fn deviation(deviation: Deviation) -> &'static str {
    match deviation {
        Deviation::Encoding => "编码为 BER，而标准要求 DER",
        Deviation::Version => "带扩展项，但版本不是 v3",
        Deviation::SerialNumber => "序列号为负或过长",
        Deviation::Time => "时间格式不符合 RFC 5280",
        Deviation::SignatureAlgorithm => "签名算法标识不是 SM2-with-SM3（1.2.156.10197.1.501）",
        Deviation::KeyAlgorithm => "公钥算法标识不是 id-ecPublicKey 加曲线",
        Deviation::Signature => "签名值不是 SM2Signature 的 DER 编码",
        Deviation::Extension => "有一个扩展项无法读取",
        _ => "与标准有出入",
    }
}
