//! Names of object identifiers.

/// The name in English and Chinese.
pub(super) fn name(dotted: &str) -> Option<(&'static str, &'static str)> {
    NAMES.iter().find(|(known, _, _)| *known == dotted).map(|(_, en, zh)| (*en, *zh))
}

const NAMES: &[(&str, &str, &str)] = &[
    // Keys
    ("1.2.840.10045.2.1", "elliptic curve", "椭圆曲线"),
    ("1.2.156.10197.1.301", "SM2", "SM2"),
    ("1.2.156.10197.1.301.1", "SM2 signature", "SM2 签名"),
    ("1.2.156.10197.1.301.2", "SM2 key exchange", "SM2 密钥交换"),
    ("1.2.156.10197.1.301.3", "SM2 encryption", "SM2 加密"),
    ("1.2.156.10197.1.302", "SM9", "SM9"),
    ("1.2.840.10045.3.1.7", "P-256", "P-256"),
    ("1.3.132.0.34", "P-384", "P-384"),
    ("1.3.132.0.35", "P-521", "P-521"),
    ("1.3.132.0.10", "secp256k1", "secp256k1"),
    ("1.2.840.113549.1.1.1", "RSA", "RSA"),
    ("1.3.101.110", "X25519", "X25519"),
    ("1.3.101.112", "Ed25519", "Ed25519"),
    ("1.3.101.113", "Ed448", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87", "ML-DSA-87"),
    // Signatures
    ("1.2.156.10197.1.501", "SM2 with SM3", "SM2-with-SM3"),
    ("1.2.156.10197.1.502", "SM9 with SM3", "SM9-with-SM3"),
    ("1.2.156.10197.1.504", "RSA with SM3", "RSA-with-SM3"),
    ("1.2.840.10045.4.1", "ECDSA with SHA-1", "ECDSA-with-SHA1"),
    ("1.2.840.10045.4.3.2", "ECDSA with SHA-256", "ECDSA-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ECDSA with SHA-384", "ECDSA-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512", "ECDSA-with-SHA512"),
    ("1.2.840.113549.1.1.4", "RSA with MD5", "RSA-with-MD5"),
    ("1.2.840.113549.1.1.5", "RSA with SHA-1", "RSA-with-SHA1"),
    ("1.2.840.113549.1.1.10", "RSA-PSS", "RSA-PSS"),
    ("1.2.840.113549.1.1.11", "RSA with SHA-256", "RSA-with-SHA256"),
    ("1.2.840.113549.1.1.12", "RSA with SHA-384", "RSA-with-SHA384"),
    ("1.2.840.113549.1.1.13", "RSA with SHA-512", "RSA-with-SHA512"),
    // Digests and message authentication
    ("1.2.156.10197.1.401", "SM3", "SM3"),
    ("1.2.156.10197.1.401.1", "SM3", "SM3"),
    ("1.2.156.10197.1.401.2", "HMAC with SM3", "HMAC-SM3"),
    ("1.2.156.10197.1.401.3.1", "HMAC with SM3", "HMAC-SM3"),
    ("1.2.840.113549.2.5", "MD5", "MD5"),
    ("1.3.14.3.2.26", "SHA-1", "SHA-1"),
    ("2.16.840.1.101.3.4.2.1", "SHA-256", "SHA-256"),
    ("2.16.840.1.101.3.4.2.2", "SHA-384", "SHA-384"),
    ("2.16.840.1.101.3.4.2.3", "SHA-512", "SHA-512"),
    ("1.2.840.113549.2.7", "HMAC with SHA-1", "HMAC-SHA1"),
    ("1.2.840.113549.2.9", "HMAC with SHA-256", "HMAC-SHA256"),
    ("1.2.840.113549.2.10", "HMAC with SHA-384", "HMAC-SHA384"),
    ("1.2.840.113549.2.11", "HMAC with SHA-512", "HMAC-SHA512"),
    // Ciphers
    ("1.2.156.10197.1.102", "SM1", "SM1"),
    ("1.2.156.10197.1.104", "SM4", "SM4"),
    ("1.2.156.10197.1.104.1", "SM4-ECB", "SM4-ECB"),
    ("1.2.156.10197.1.104.2", "SM4-CBC", "SM4-CBC"),
    ("1.2.156.10197.1.104.7", "SM4-CTR", "SM4-CTR"),
    ("1.2.156.10197.1.104.8", "SM4-GCM", "SM4-GCM"),
    ("1.2.156.10197.1.104.9", "SM4-CCM", "SM4-CCM"),
    ("2.16.840.1.101.3.4.1.2", "AES-128-CBC", "AES-128-CBC"),
    ("2.16.840.1.101.3.4.1.6", "AES-128-GCM", "AES-128-GCM"),
    ("2.16.840.1.101.3.4.1.22", "AES-192-CBC", "AES-192-CBC"),
    ("2.16.840.1.101.3.4.1.42", "AES-256-CBC", "AES-256-CBC"),
    ("2.16.840.1.101.3.4.1.46", "AES-256-GCM", "AES-256-GCM"),
    ("1.2.840.113549.3.2", "RC2-CBC", "RC2-CBC"),
    ("1.2.840.113549.3.7", "Triple DES-CBC", "3DES-CBC"),
    ("1.2.840.113549.1.5.12", "PBKDF2", "PBKDF2"),
    ("1.2.840.113549.1.5.13", "PBES2", "PBES2"),
    ("1.2.840.113549.1.12.1.3", "PKCS#12 with Triple DES", "PKCS#12 3DES"),
    ("1.2.840.113549.1.12.1.6", "PKCS#12 with RC2 of 40 bits", "PKCS#12 RC2-40"),
    ("1.2.840.113549.1.1.7", "RSA-OAEP", "RSA-OAEP"),
    // Messages
    ("1.2.840.113549.1.7.1", "data", "数据"),
    ("1.2.840.113549.1.7.2", "signed data", "签名数据"),
    ("1.2.840.113549.1.7.3", "enveloped data", "数字信封"),
    ("1.2.840.113549.1.7.4", "signed and enveloped data", "带签名的数字信封"),
    ("1.2.840.113549.1.7.6", "encrypted data", "加密数据"),
    ("1.2.156.10197.6.1.4.2.1", "data (GM/T 0010)", "数据（GM/T 0010）"),
    ("1.2.156.10197.6.1.4.2.2", "signed data (GM/T 0010)", "签名数据（GM/T 0010）"),
    ("1.2.156.10197.6.1.4.2.3", "enveloped data (GM/T 0010)", "数字信封（GM/T 0010）"),
    ("1.2.156.10197.6.1.4.2.4", "signed and enveloped data (GM/T 0010)", "带签名的数字信封（GM/T 0010）"),
    ("1.2.156.10197.6.1.4.2.5", "encrypted data (GM/T 0010)", "加密数据（GM/T 0010）"),
    ("1.2.840.113549.1.9.16.1.4", "time-stamp information", "时间戳信息"),
    ("1.2.840.113549.1.9.3", "content type", "内容类型"),
    ("1.2.840.113549.1.9.4", "digest of the content", "内容摘要"),
    ("1.2.840.113549.1.9.5", "time of signing", "签名时间"),
    ("1.2.840.113549.1.9.6", "countersignature", "副署签名"),
    ("1.2.840.113549.1.9.15", "S/MIME capabilities", "S/MIME 能力"),
    ("1.2.840.113549.1.9.52", "algorithm protection", "算法保护"),
    ("1.2.840.113549.1.9.16.2.12", "signing certificate", "签名证书标识"),
    ("1.2.840.113549.1.9.16.2.47", "signing certificate, version 2", "签名证书标识 V2"),
    ("1.2.840.113549.1.9.16.2.14", "time-stamp over the signature", "签名时间戳"),
    ("1.2.840.113549.1.9.1", "mail address", "电子邮件"),
    ("1.2.840.113549.1.9.2", "unstructured name", "非结构化名称"),
    ("1.2.840.113549.1.9.7", "challenge password", "挑战口令"),
    ("1.2.156.10197.6.1.4.1.10.3", "challenge password (GM/T 0092)", "挑战口令（GM/T 0092）"),
    ("1.2.840.113549.1.9.14", "extensions asked for", "请求的扩展项"),
    ("1.3.6.1.4.1.311.13.2.3", "operating system (Microsoft)", "操作系统（微软）"),
    // Extended key usages
    ("2.5.29.37.0", "any use", "任意用途"),
    ("1.3.6.1.5.5.7.3.1", "TLS server", "TLS 服务器"),
    ("1.3.6.1.5.5.7.3.2", "TLS client", "TLS 客户端"),
    ("1.3.6.1.5.5.7.3.3", "code signing", "代码签名"),
    ("1.3.6.1.5.5.7.3.4", "mail protection", "邮件保护"),
    ("1.3.6.1.5.5.7.3.8", "time-stamping", "时间戳"),
    ("1.3.6.1.5.5.7.3.9", "OCSP signing", "OCSP 签名"),
    ("1.3.6.1.5.5.7.3.36", "document signing", "文档签名"),
    ("1.3.6.1.5.5.7.3.17", "IPsec", "IPsec"),
    ("1.3.6.1.5.5.7.3.14", "EAP over LAN", "EAP（局域网）"),
    ("1.3.6.1.4.1.311.20.2.2", "smart card logon", "智能卡登录"),
    ("1.3.6.1.4.1.311.10.3.12", "document signing (Microsoft)", "文档签名（微软）"),
    ("1.3.6.1.4.1.311.10.3.4", "encrypting file system", "加密文件系统"),
    ("1.2.840.113583.1.1.5", "PDF signing (Adobe)", "PDF 签名（Adobe）"),
    // Policies
    ("2.5.29.32.0", "any policy", "任意策略"),
    ("2.23.140.1.1", "extended validation", "扩展验证（EV）"),
    ("2.23.140.1.2.1", "domain validated", "域名验证（DV）"),
    ("2.23.140.1.2.2", "organisation validated", "组织验证（OV）"),
    ("2.23.140.1.2.3", "individual validated", "个人验证（IV）"),
    ("1.3.6.1.5.5.7.2.1", "practice statement", "电子认证业务规则（CPS）"),
    ("1.3.6.1.5.5.7.2.2", "notice", "用户须知"),
    // Access
    ("1.3.6.1.5.5.7.48.1", "OCSP", "OCSP"),
    ("1.3.6.1.5.5.7.48.2", "issuer's certificate", "签发者证书"),
    ("1.3.6.1.5.5.7.48.3", "time-stamping", "时间戳"),
    ("1.3.6.1.5.5.7.48.5", "repository", "资料库"),
    ("1.3.6.1.5.5.7.48.1.1", "basic OCSP answer", "OCSP 基本响应"),
    ("1.3.6.1.5.5.7.48.1.2", "nonce", "随机数"),
    ("1.3.6.1.5.5.7.48.1.4", "acceptable answers", "可接受的响应类型"),
    ("1.3.6.1.5.5.7.48.1.6", "archive cutoff", "归档截止时间"),
    ("1.3.6.1.5.5.7.48.1.8", "preferred signatures", "首选签名算法"),
    ("1.3.6.1.5.5.7.48.1.9", "extended revoked", "扩展的已撤销定义"),
    // PKCS#12
    ("1.2.840.113549.1.12.10.1.1", "key", "私钥"),
    ("1.2.840.113549.1.12.10.1.2", "encrypted key", "加密的私钥"),
    ("1.2.840.113549.1.12.10.1.3", "certificate", "证书"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_given_once() {
        for (at, (known, en, zh)) in NAMES.iter().enumerate() {
            assert!(!en.is_empty() && !zh.is_empty());
            assert!(NAMES.iter().skip(at + 1).all(|(other, _, _)| other != known), "{known}");
            assert!(const_oid::ObjectIdentifier::new(known).is_ok(), "{known}");
        }
        assert_eq!(name("1.2.3"), None);
    }
}
