//! What a page says after something was done: one line per word of `?done=WORD`. Unknown words say nothing, so that
//! nobody can put words into the page by an address.

use super::Language;

const TOLD: &[(&str, &str, &str)] = &[
    ("saved", "已保存。", "Saved."),
    ("submitted", "申请已提交，等待他人审批。", "Filed. Somebody else decides on it."),
    ("reviewed", "审核意见已记录。", "The review is recorded."),
    ("approved", "已批准，证书已签发。", "Approved: the certificate is issued."),
    ("rejected", "申请已驳回。", "The request is rejected."),
    ("issued", "证书已签发。", "The certificate is issued."),
    (
        "revoked",
        "证书已吊销，OCSP 立即生效，CRL 将随之更新。",
        "Revoked: OCSP says so at once, the CRL with its next issue.",
    ),
    ("held", "证书已冻结。", "The certificate is on hold."),
    ("released", "证书已解冻。", "The certificate is released."),
    ("published", "CRL 已发布。", "The CRL is published."),
    ("invited", "邀请链接已生成。", "The invitation is made."),
    ("disabled", "该人员已停用，全部登录随即失效。", "The officer is disabled and signed out everywhere."),
    ("added", "已添加。", "Added."),
    ("removed", "已移除。", "Removed."),
    ("proposed", "变更已提出，等待另一人批准。", "Proposed. Somebody else approves it."),
    ("profile-approved", "模板变更已批准，立即生效。", "Approved: the profile is in force."),
    ("profile-rejected", "模板变更已驳回。", "The change is rejected."),
    ("signed-in", "登录成功。", "You are signed in."),
    ("signed-out", "您已退出登录。", "You are signed out."),
    ("claimed", "登录方式已设定，欢迎使用印信。", "You are set up. Welcome to Yinxin."),
    ("mailed", "邮件已交给邮件服务器，请查收。", "The mail server took the letter: look for it."),
    ("seal-applied", "申请已提交，等待他人审批。", "Filed. Somebody else decides on it."),
    ("seal-review", "审核意见已记录。", "The review is recorded."),
    ("seal-approve", "已批准并制章，启用后即可使用。", "Approved and made. It can be used once it is enabled."),
    ("seal-make", "已制章，启用后即可使用。", "Made. It can be used once it is enabled."),
    ("seal-reject", "申请已驳回。", "The application is rejected."),
    ("seal-enable", "印章已启用。", "The seal is enabled."),
    ("seal-suspend", "印章已暂停使用。", "The seal is suspended."),
    ("seal-revoke", "印章已吊销。", "The seal is revoked."),
    ("seal-renew", "已用新证书重新制章。", "Made again with the new certificates."),
    ("seal-destroy", "印模和密钥已销毁。", "Its picture and keys are destroyed."),
    ("recovery-asked", "已提出，等待另一名密钥管理员批准。", "Asked for. Another key officer approves it."),
    ("recovery-done", "已批准并办理。", "Approved and done."),
    ("recovery-refused", "未予批准。", "Not approved."),
    ("started", "已开始。", "Begun."),
];

/// The words, if it is one of ours.
pub(super) fn words(word: &str, language: Language) -> Option<&'static str> {
    TOLD.iter().find(|(known, ..)| *known == word).map(|(_, chinese, english)| language.say(chinese, english))
}
