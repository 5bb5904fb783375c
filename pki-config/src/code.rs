//! The one list of public error codes: stable, never reused, in Chinese and English.
//!
//! `num` is area (two digits), class (one digit) and detail (two digits). Areas: 10 the call, 20
//! rights, 30 certificates, 31 pairs of certificates and the key centre, 35 time-stamps, 36 seals, 40 issuers and CRLs, 45 OCSP, 50 keys and pool, 60 audit log,
//! 70 storage, 80 system. Classes: 1 the caller's fault, 2 not now, 3 the operator's to mend, 4 broken.
//! A new code goes to the end of its area; a code that is no longer used stays.

use std::fmt;

macro_rules! codes {
    ($($name:ident $word:literal $num:literal $http:literal $retry:literal $en:literal $zh:literal;)*) => {
        /// A public error code. Words and numbers are part of the interface.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = $en] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable word programs act on.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The stable number.
            #[must_use]
            pub const fn num(self) -> u32 {
                match self { $(Self::$name => $num,)* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$name => $http,)* }
            }

            /// Whether the same call may succeed later, unchanged.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(Self::$name => $retry,)* }
            }

            /// One English sentence.
            #[must_use]
            pub const fn english(self) -> &'static str {
                match self { $(Self::$name => $en,)* }
            }

            /// One Chinese sentence.
            #[must_use]
            pub const fn chinese(self) -> &'static str {
                match self { $(Self::$name => $zh,)* }
            }
        }
    };
}

codes! {
    BadRequest "BAD_REQUEST" 10101 400 false "The request is not well-formed." "请求格式不正确。";
    NotFound "NOT_FOUND" 10102 404 false "There is no such thing here." "未找到所请求的对象。";
    MethodNotAllowed "METHOD_NOT_ALLOWED" 10103 405 false "This address takes POST only." "此地址仅接受 POST 请求。";
    TooLarge "TOO_LARGE" 10104 413 false "The request is larger than allowed." "请求超出允许的大小。";
    UnsupportedType "UNSUPPORTED_TYPE" 10105 415 false "The body must be JSON in UTF-8." "请求体必须是 UTF-8 编码的 JSON。";
    Timeout "TIMEOUT" 10206 408 true "The request took too long to arrive." "请求接收超时。";
    Busy "BUSY" 10207 503 true "Too much work is waiting; try again shortly." "系统繁忙，请稍后重试。";
    Unreachable "UNREACHABLE" 10208 503 true "The server cannot be reached." "无法连接服务器。";
    CommandFailed "COMMAND_FAILED" 10309 500 false "The command could not do its part on this machine." "命令无法在本机完成。";
    WrongHost "WRONG_HOST" 10111 421 false "This server is not known under that name." "本服务器不使用该名称。";
    ForeignOrigin "FOREIGN_ORIGIN" 10112 403 false "The form came from another site; nothing was done." "表单来自其他网站，未执行任何操作。";
    FormExpired "FORM_EXPIRED" 10113 403 false "The page was open too long or in another login; load it again." "页面已过期或登录已改变，请重新加载后再提交。";
    Unauthenticated "UNAUTHENTICATED" 20101 401 false "Show a client certificate or a token." "请出示客户端证书或令牌。";
    Forbidden "FORBIDDEN" 20102 403 false "Your role does not allow this." "您的角色无权执行此操作。";
    SameOfficer "SAME_OFFICER" 20103 403 false "Who filed a request may not approve it." "申请人不得批准自己的申请。";
    LinkUsed "LINK_USED" 20104 410 false "This one-time link was used or has expired." "该一次性链接已使用或已过期。";
    TooManyTries "TOO_MANY_TRIES" 20205 429 true "Too many failed logins from this address; wait a little." "该地址登录失败次数过多，请稍后再试。";
    BadCsr "BAD_CSR" 30101 400 false "The certificate request cannot be read." "无法解析证书请求。";
    NoPossession "NO_POSSESSION" 30102 400 false "The request's signature does not prove possession of its key." "证书请求的签名无法证明持有私钥。";
    KeyRefused "KEY_REFUSED" 30103 400 false "This public key is not accepted." "该公钥不被接受。";
    NameRefused "NAME_REFUSED" 30104 400 false "A name in the request is not accepted." "请求中的名称不被接受。";
    ProfileUnknown "PROFILE_UNKNOWN" 30105 404 false "There is no such certificate profile." "没有此证书模板。";
    LintFailed "LINT_FAILED" 30106 422 false "The certificate would break a rule; nothing was issued." "证书不符合规则，未签发。";
    RequestState "REQUEST_STATE" 30107 409 false "The request is not in a state that allows this." "申请当前状态不允许此操作。";
    CertificateState "CERTIFICATE_STATE" 30108 409 false "The certificate is not in a state that allows this." "证书当前状态不允许此操作。";
    BadTime "BAD_TIME" 30109 400 false "The time given is not possible." "给定的时间无效。";
    EvidenceMissing "EVIDENCE_MISSING" 30110 422 false "The profile asks for evidence that has not expired." "该模板要求提供未过期的验证材料。";
    BatchRefused "BATCH_REFUSED" 30111 400 false "The batch file cannot be read, or rows of it are not accepted." "批量文件无法解析，或其中有不被接受的行。";
    CountChanged "COUNT_CHANGED" 30112 409 false "What this would change is no longer what was shown; look again." "受影响的证书数量已变化，请重新预览。";
    ProfileRefused "PROFILE_REFUSED" 30150 400 false "The certificate profile cannot be used." "该证书模板不可用。";
    ProfileState "PROFILE_STATE" 30151 409 false "This version of the profile is not waiting for a decision." "该模板版本不处于待审批状态。";
    NoPair "NO_PAIR" 31101 404 false "The certificate is not half of a pair." "该证书不属于双证书。";
    HalfOfPair "HALF_OF_PAIR" 31102 409 false "Ask with the signing certificate of the pair; its key is the holder's." "请使用双证书中的签名证书提出请求。";
    OrderState "ORDER_STATE" 31103 409 false "The order to the key centre was decided already." "该密钥恢复申请已处理。";
    KeyNotKept "KEY_NOT_KEPT" 31104 409 false "The key centre does not have this key any more, or never gave it out." "密钥管理中心不再持有该密钥。";
    RecipientRefused "RECIPIENT_REFUSED" 31105 422 false "The key cannot be handed to this certificate." "不能将密钥交付给该证书。";
    CentreOfficer "CENTRE_OFFICER" 31106 403 false "It takes two officers of the key centre, neither of them who asked for the certificate." "须由两名不同的密钥管理员办理，且均不得为证书申请人。";
    CentreMissing "CENTRE_MISSING" 31307 503 false "There is no key centre here, so no pairs are issued." "本系统未启用密钥管理中心，无法签发双证书。";
    EnvelopeDamaged "ENVELOPE_DAMAGED" 31408 500 false "An archived key does not open; nothing was handed out." "托管的密钥无法打开，未交付任何内容。";
    StampRefused "STAMP_REFUSED" 35101 400 false "The time-stamp request is not one this authority answers." "时间戳请求不符合本机构的要求。";
    TimeNotAvailable "TIME_NOT_AVAILABLE" 35202 503 true "The clock is not sure enough; no time-stamps are made." "时钟准确度不足，暂停签发时间戳。";
    StampRate "STAMP_RATE" 35203 429 true "Too many time-stamps from this address; wait a little." "该地址请求时间戳过于频繁，请稍后再试。";
    SealState "SEAL_STATE" 36101 409 false "The seal is not in a state that allows this." "印章当前状态不允许此操作。";
    SealRefused "SEAL_REFUSED" 36102 400 false "The application for a seal is not accepted." "印章申请不被接受。";
    DocumentRefused "DOCUMENT_REFUSED" 36103 422 false "The document cannot be read, or cannot be sealed as it is." "文档无法读取，或不能按现状加盖印章。";
    PictureRefused "PICTURE_REFUSED" 36104 422 false "The picture of the seal is not accepted." "印模图像不被接受。";
    PlaceRefused "PLACE_REFUSED" 36105 422 false "The seal cannot go where it was asked to." "印章无法加盖在指定位置。";
    RequestReused "REQUEST_REUSED" 36106 409 false "This request id was used for something else." "该请求编号已用于其他内容。";
    SealNotYours "SEAL_NOT_YOURS" 36107 403 false "You are not among those who may use this seal." "您不在该印章的授权使用人之列。";
    HolderRefused "HOLDER_REFUSED" 36108 422 false "A holder's certificate is not accepted for this seal." "持有人证书不适用于该印章。";
    DocumentLimit "DOCUMENT_LIMIT" 36109 422 false "The document takes more time or memory than allowed." "处理该文档所需的时间或内存超出限制。";
    SignatureWrong "SIGNATURE_WRONG" 36110 422 false "The signature handed in does not fit." "提交的签名不匹配。";
    SealUnready "SEAL_UNREADY" 36211 503 true "The seal's keys or certificates are not ready." "印章的密钥或证书尚未就绪。";
    VerifyRate "VERIFY_RATE" 36212 429 true "Too many documents from this address; wait a little." "该地址提交文档过于频繁，请稍后再试。";
    WorkshopFailed "WORKSHOP_FAILED" 36413 500 true "The process that reads documents failed; nothing was changed." "文档处理进程异常，未作任何更改。";
    IssuerState "ISSUER_STATE" 40101 409 false "This issuer cannot do that." "该签发机构无法执行此操作。";
    IssuerExpired "ISSUER_EXPIRED" 40302 409 false "The issuer's own certificate leaves no time." "签发机构证书的剩余有效期不足。";
    CrlMissing "CRL_MISSING" 40203 503 true "No CRL has been published yet." "尚未发布 CRL。";
    CeremonyRefused "CEREMONY_REFUSED" 40104 400 false "The plan or file of the ceremony is not accepted." "仪式计划或文件不被接受。";
    CeremonyState "CEREMONY_STATE" 40105 409 false "The ceremony is not in a state that allows this." "该仪式当前状态不允许此操作。";
    OcspUnready "OCSP_UNREADY" 45201 503 true "No responder certificate is in use for this issuer yet." "该签发机构尚无可用的 OCSP 响应者证书。";
    OcspForeign "OCSP_FOREIGN" 45102 404 false "This responder does not answer for the certificate's issuer." "本响应者不为该证书的签发者提供应答。";
    OcspSource "OCSP_SOURCE" 45303 503 true "The CRL of another authority cannot be used." "其他机构的 CRL 无法使用。";
    Sealed "SEALED" 50201 503 true "The root key is sealed; an operator must unseal it." "根密钥已封存，需由操作员解封。";
    KeyUnusable "KEY_UNUSABLE" 50102 409 false "The key may not be used for this." "该密钥不可用于此用途。";
    SignatureRefused "SIGNATURE_REFUSED" 50403 500 false "What was to be signed does not fit the key's record; nothing was signed." "待签内容与密钥记录不符，未签名。";
    SignatureFailed "SIGNATURE_FAILED" 50404 500 true "The signature did not verify and was thrown away." "签名未通过验证，已丢弃。";
    RandomFailed "RANDOM_FAILED" 50305 503 true "The random source failed its health test." "随机源未通过健康检测。";
    UnsealFailed "UNSEAL_FAILED" 50106 403 false "The passphrase does not open the root key." "口令无法解封根密钥。";
    UnitExists "UNIT_EXISTS" 50107 409 false "The tenant has an exclusive unit already." "该租户已有独享密码机单元。";
    DeviceAway "DEVICE_AWAY" 50220 503 true "The device that holds the key does not answer; nothing was signed." "存放密钥的密码设备无应答，未签名。";
    DeviceRefused "DEVICE_REFUSED" 50321 503 false "The device that holds the key refuses; an operator must mend it." "存放密钥的密码设备拒绝操作，需由运维人员处理。";
    ShareRefused "SHARE_REFUSED" 50108 403 false "This share of the root key is not accepted." "该根密钥分量不被接受。";
    RootChange "ROOT_CHANGE" 50109 409 false "The root key cannot be changed this way now." "当前无法以此方式更换根密钥。";
    ClockBehind "CLOCK_BEHIND" 60301 503 false "The clock is behind the last log entry; signing is stopped." "系统时钟早于最后一条日志，签名已停止。";
    AuditBroken "AUDIT_BROKEN" 60402 503 false "The audit log is damaged; signing is stopped." "审计日志已损坏，签名已停止。";
    AuditUnwritable "AUDIT_UNWRITABLE" 60303 503 true "The audit log cannot be written; signing is stopped." "审计日志无法写入，签名已停止。";
    ProofImpossible "PROOF_IMPOSSIBLE" 60104 400 false "The log has no such entry or size." "日志中没有此条目或大小。";
    DiskFull "DISK_FULL" 70301 503 true "The disk is full; only revocations and CRLs are taken." "磁盘已满，仅受理吊销与 CRL。";
    StorageFailed "STORAGE_FAILED" 70302 503 true "The database cannot be read or written." "数据库无法读写。";
    OutcomeUnknown "OUTCOME_UNKNOWN" 70403 503 false "The outcome is unknown; restart to recover." "操作结果未知，请重启以恢复。";
    BackupFailed "BACKUP_FAILED" 70304 500 true "The backup could not be made." "无法完成备份。";
    Internal "INTERNAL" 80401 500 true "Something failed inside; the operator's log has the details." "内部错误，详情见运维日志。";
    Stopping "STOPPING" 80202 503 true "The service is stopping." "服务正在停止。";
    MailFailed "MAIL_FAILED" 80303 503 true "The mail server did not take the letter." "邮件服务器未接收邮件。";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn words_and_numbers_are_unique() {
        let words: HashSet<_> = ErrorCode::ALL.iter().map(|c| c.as_str()).collect();
        let nums: HashSet<_> = ErrorCode::ALL.iter().map(|c| c.num()).collect();
        assert_eq!(words.len(), ErrorCode::ALL.len());
        assert_eq!(nums.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn the_class_agrees_with_the_http_status() {
        for code in ErrorCode::ALL {
            let class = code.num() / 100 % 10;
            let client = (400..500).contains(&code.http_status());
            match class {
                1 => assert!(client, "{code}"),
                4 => assert!(!client, "{code}"),
                2 | 3 => {}
                other => panic!("{code} has class {other}"),
            }
        }
    }

    #[test]
    fn every_sentence_ends_as_one() {
        for code in ErrorCode::ALL {
            assert!(code.english().ends_with('.') && code.chinese().ends_with('。'), "{code}");
        }
    }
}
