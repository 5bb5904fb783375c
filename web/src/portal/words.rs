//! Words of the log, the keys and the checks as people say them. A word nobody translated is shown as it is: the log
//! keeps words of newer programs too.

use super::Language;

type Words = (&'static str, &'static str, &'static str);

const EVENTS: &[Words] = &[
    ("access.denied", "越权被拒", "access denied"),
    ("backup.made", "完成备份", "backup made"),
    ("backup.restored", "从备份恢复", "restored from a backup"),
    ("branch.changed", "受理点变更", "branch changed"),
    ("ceremony.begun", "密钥仪式开始", "key ceremony begun"),
    ("centre.asked", "申请恢复或销毁加密密钥", "recovery of an encryption key asked for"),
    ("centre.delivered", "交付加密密钥", "encryption key delivered"),
    ("centre.destroyed", "销毁托管的加密密钥", "archived encryption key destroyed"),
    ("centre.recovered", "恢复加密密钥", "encryption key recovered"),
    ("centre.refused", "驳回密钥恢复", "recovery of an encryption key refused"),
    ("ceremony.confirmed", "确认仪式计划", "ceremony confirmed"),
    ("ceremony.ended", "仪式结束", "ceremony ended"),
    ("ceremony.planned", "提出仪式计划", "ceremony put forward"),
    ("ceremony.rejected", "驳回仪式计划", "ceremony rejected"),
    ("ceremony.requested", "向外部机构请求证书", "certificate asked of an authority elsewhere"),
    ("cert.approved", "批准申请", "request approved"),
    ("cert.evidence", "补充证明材料", "evidence added"),
    ("cert.invited", "邀请持有人", "holder invited"),
    ("cert.issued", "签发证书", "certificate issued"),
    ("cert.key", "收到持有人公钥", "holder's key received"),
    ("cert.recovered", "恢复时吊销", "revoked at recovery"),
    ("cert.rejected", "驳回申请", "request rejected"),
    ("cert.released", "解冻证书", "certificate released"),
    ("cert.requested", "提交申请", "request filed"),
    ("cert.reviewed", "审核申请", "request reviewed"),
    ("cert.revoked", "吊销或冻结", "certificate revoked or held"),
    ("clock.accepted", "人工确认时钟", "clock overruled"),
    ("crl.published", "发布 CRL", "CRL published"),
    ("issuer.created", "建立签发机构", "issuer made"),
    ("key.converted", "转换密钥格式", "key converted"),
    ("issuer.imported", "导入外部机构签发内容", "taken over from an authority elsewhere"),
    ("issuer.revoked", "吊销签发机构", "issuer revoked"),
    ("issuer.rolled", "更换签发机构密钥", "issuer got a new key"),
    ("key.destroyed", "销毁密钥", "key destroyed"),
    ("key.generated", "生成密钥", "key made"),
    ("key.state", "密钥状态变更", "key changed state"),
    ("mail.sent", "发送邮件", "mail sent"),
    ("mail.tested", "测试邮件", "mail tested"),
    ("officer.added", "添加人员", "officer added"),
    ("officer.credential", "绑定登录凭据", "credential bound"),
    ("officer.credential-removed", "移除登录凭据", "credential removed"),
    ("officer.disabled", "停用人员", "officer disabled"),
    ("officer.link", "生成一次性链接", "one-time link made"),
    ("profile.approved", "批准模板变更", "profile change approved"),
    ("profile.proposed", "提出模板变更", "profile change proposed"),
    ("profile.rejected", "驳回模板变更", "profile change rejected"),
    ("root.asked", "申请更换根密钥", "change of the root key asked for"),
    ("root.replaced", "更换根密钥", "root key replaced"),
    ("root.resealed", "重新封存根密钥", "root key sealed anew"),
    ("root.share", "提交根密钥分量", "share of the root key given"),
    ("seal.approved", "批准印章申请", "seal approved"),
    ("seal.destroyed", "销毁印章", "seal destroyed"),
    ("seal.enabled", "启用印章", "seal enabled"),
    ("seal.made", "制作印章", "seal made"),
    ("seal.rejected", "驳回印章申请", "seal application rejected"),
    ("seal.requested", "申请印章", "seal applied for"),
    ("seal.reviewed", "审核印章申请", "seal application reviewed"),
    ("seal.revoked", "废止印章", "seal revoked"),
    ("seal.status", "出具印章状态", "seal status told"),
    ("seal.suspended", "停用印章", "seal suspended"),
    ("seal.used", "加盖印章", "seal used"),
    ("session.begun", "登录", "signed in"),
    ("session.ended", "退出登录", "signed out"),
    ("sign.bulk", "批量签名", "bulk signatures"),
    ("sign.policy", "批量签名策略变更", "bulk policy changed"),
    ("mail.tested", "测试邮件", "mail tested"),
    ("system.created", "系统初始化", "installation made"),
    ("system.setting", "设置变更", "setting changed"),
    ("system.started", "系统启动", "started"),
    ("system.stopped", "系统停止", "stopped"),
    ("system.unsealed", "解封根密钥", "root key unsealed"),
    ("tsa.clock", "时间源状态变化", "clock sure or unsure"),
    ("tsa.stamped", "签发时间戳", "time-stamp made"),
    ("tsa.unit", "启用时间戳单元", "time-stamping unit taken into use"),
    ("unit.created", "建立独占单元", "unit made"),
    ("unit.destroyed", "销毁独占单元", "unit destroyed"),
    ("unit.resized", "调整独占单元", "unit resized"),
];

const CHECKS: &[Words] = &[
    ("audit-log", "审计日志", "Audit log"),
    ("backup", "备份", "Backup"),
    ("checkpoints", "日志签名", "Signed heads of the log"),
    ("clock", "系统时钟", "Clock"),
    ("disk", "磁盘空间", "Disk"),
    ("memory", "内存锁定", "Memory"),
    ("root-key", "根密钥", "Root key"),
    ("tls", "TLS 证书", "TLS certificate"),
];

const PURPOSES: &[Words] = &[
    ("audit-log", "审计日志签名", "signs the audit log"),
    ("ca", "签发证书与 CRL", "issues certificates and CRLs"),
    ("ocsp", "OCSP 应答", "answers OCSP"),
    ("seal-maker", "电子印章制章", "makes seals"),
    ("seal-signer", "电子签章", "signs with seals"),
    ("tenant", "租户签名", "signs for a tenant"),
    ("time-stamp", "时间戳", "makes time-stamps"),
    ("tls", "TLS 服务", "serves TLS"),
];

const KEY_STATES: &[Words] = &[
    ("active", "启用", "active"),
    ("compromised", "已泄露", "compromised"),
    ("destroyed", "已销毁", "destroyed"),
    ("retired", "已退役", "retired"),
    ("suspended", "已暂停", "suspended"),
];

const STATES: &[Words] = &[
    ("degraded", "需要留意", "needs attention"),
    ("ok", "正常", "well"),
    ("sealed", "待解封", "sealed"),
    ("stopped", "已停止签名", "signing stopped"),
];

fn say(table: &[Words], word: &str, language: Language) -> Option<&'static str> {
    table.iter().find(|(known, ..)| *known == word).map(|(_, chinese, english)| language.say(chinese, english))
}

/// An event of the log.
pub(super) fn event(word: &str, language: Language) -> &str {
    say(EVENTS, word, language).unwrap_or(word)
}

/// What a key is for.
pub(super) fn purpose(word: &str, language: Language) -> &str {
    say(PURPOSES, word, language).unwrap_or(word)
}

/// Where in its life a key is.
pub(super) fn key_state(word: &str, language: Language) -> &str {
    say(KEY_STATES, word, language).unwrap_or(word)
}

/// How the installation does.
pub(super) fn state(word: &str, language: Language) -> &str {
    say(STATES, word, language).unwrap_or(word)
}

/// The name of a check; those of one issuer name it.
pub(super) fn check(word: &str, language: Language) -> String {
    if let Some(words) = say(CHECKS, word, language) {
        return words.to_owned();
    }
    match word.split_once('-') {
        Some(("crl", issuer)) => format!("{} CRL", issuer),
        Some(("ocsp", issuer)) => format!("{} OCSP", issuer),
        _ => word.to_owned(),
    }
}

/// What a check saw. Sentences of the usual kinds are said in Chinese too; others, above all those with a command to
/// run, are shown as they are.
pub(super) fn detail(text: &str, language: Language) -> String {
    if language == Language::English {
        return text.to_owned();
    }
    let whole = [
        ("takes entries", "可写入"),
        ("open", "已解封"),
        ("signed each second", "每秒签名"),
        ("has its certificate", "证书就绪"),
        ("none published yet", "尚未发布"),
        ("sealed; run: yinxin unseal", "待解封；请执行 yinxin unseal"),
        ("https serves once the root key is unsealed", "根密钥解封后 https 才能服务"),
    ];
    if let Some((_, chinese)) = whole.iter().find(|(english, _)| *english == text) {
        return (*chinese).to_owned();
    }
    if let Some(free) = text.strip_suffix(" MiB free") {
        return format!("可用 {free} MiB");
    }
    if let Some(until) = text.strip_prefix("its responder signs until ") {
        return format!("应答者签名至 {}", second(until));
    }
    if let Some((number, next)) = text.strip_prefix("number ").and_then(|rest| rest.split_once(", next update ")) {
        return format!("编号 {number}，下次更新 {}", second(next));
    }
    text.to_owned()
}

/// How something came out, in the log.
pub(super) fn outcome(word: &str, language: Language) -> String {
    match word {
        "done" => language.say("完成", "done").to_owned(),
        "one-step" => language.say("一人完成（试用）", "by one person (trial)").to_owned(),
        other => match other.strip_prefix("refused:") {
            Some(code) => format!("{} {code}", language.say("拒绝", "refused")),
            None => other.to_owned(),
        },
    }
}

/// A role.
pub(super) fn role(word: &str, language: Language) -> String {
    match pki_config::Role::from_word(word) {
        Some(role) => super::role_words(role, language).to_owned(),
        None => word.to_owned(),
    }
}

/// A count with its thousands set apart by thin spaces, so that seven digits can be read.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<&str> = groups.map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join("\u{202f}")
}

/// Bytes as people say them.
pub(super) fn bytes(bytes: u64) -> String {
    const STEPS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match STEPS.into_iter().find(|(_, shift)| bytes >> shift > 0) {
        Some((unit, shift)) => {
            let tenths = (u128::from(bytes) * 10) >> shift;
            if tenths < 100 {
                format!("{}.{} {unit}", tenths / 10, tenths % 10)
            } else {
                format!("{} {unit}", tenths / 10)
            }
        }
        None => format!("{bytes} B"),
    }
}

/// `2026-11-21 08:30:05 UTC` of a time in RFC 3339 and UTC; the page's script shows the reader's zone.
pub(super) fn second(at: &str) -> String {
    match (at.get(..10), at.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_words_in_both_languages() {
        for event in pki_config::Event::ALL {
            let word = event.as_str();
            assert_ne!(super::event(word, Language::Chinese), word, "no Chinese words for {word}");
            assert!(!super::event(word, Language::Chinese).is_ascii(), "{word}");
        }
    }

    #[test]
    fn what_nobody_translated_is_shown_as_it_is() {
        assert_eq!(event("a.newer", Language::English), "a.newer");
        assert_eq!(outcome("refused:FORBIDDEN", Language::Chinese), "拒绝 FORBIDDEN");
        assert_eq!(outcome("else", Language::Chinese), "else");
        assert_eq!(check("crl-sm2-root", Language::English), "sm2-root CRL");
    }

    #[test]
    fn what_a_check_saw_is_said_in_the_readers_language_where_it_is_known() {
        let seen = "number 3, next update 2026-11-28T09:05:52Z";
        assert_eq!(detail(seen, Language::English), seen);
        assert_eq!(detail(seen, Language::Chinese), "编号 3，下次更新 2026-11-28 09:05:52 UTC");
        assert_eq!(detail("16331 MiB free", Language::Chinese), "可用 16331 MiB");
        assert_eq!(detail("something new; run: x", Language::Chinese), "something new; run: x");
    }

    #[test]
    fn sizes_are_said_in_the_largest_unit_that_fits() {
        for (size, said) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (10 << 20, "10 MiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(bytes(size), said);
        }
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(second("2026-11-21T08:30:05.120Z"), "2026-11-21 08:30:05 UTC");
        assert_eq!(second("soon"), "soon");
    }
}
