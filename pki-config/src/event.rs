//! The catalogue of what the audit log records (T/TCCIA 0002-2022 8.2: auditable events are listed).
//! The words are part of the log's format: a word is never changed or reused.

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Something the audit log records.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Event { $($(#[$doc])* $name,)* }

        impl Event {
            /// Every event.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// From the word in the log.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|e| e.as_str() == word)
            }
        }
    };
}

events! {
    /// The installation was made: trial or production.
    SystemCreated = "system.created",
    /// The service started.
    SystemStarted = "system.started",
    /// The service stopped in order.
    SystemStopped = "system.stopped",
    /// The root key was unsealed, or an attempt failed.
    SystemUnsealed = "system.unsealed",
    /// A share of the root key was given, or refused.
    ShareGiven = "root.share",
    /// An officer asked for a change of the root key; another carries it out.
    RootChangeAsked = "root.asked",
    /// The root key was sealed anew: other shares, or a passphrase.
    RootResealed = "root.resealed",
    /// The root key was replaced, step by step.
    RootReplaced = "root.replaced",
    /// A letter was sent to try the mail server.
    MailTested = "mail.tested",
    /// An operator overruled the clock check.
    ClockAccepted = "clock.accepted",
    /// A backup was made.
    BackupMade = "backup.made",
    /// The installation was restored from a backup.
    BackupRestored = "backup.restored",
    /// A ceremony began: only within one may a CA certificate be signed.
    CeremonyBegun = "ceremony.begun",
    /// A plan of a ceremony was put forward; its text is the payload.
    CeremonyPlanned = "ceremony.planned",
    /// Another person confirmed the plan of a ceremony, which is carried out.
    CeremonyConfirmed = "ceremony.confirmed",
    /// The plan of a ceremony was rejected or withdrawn.
    CeremonyRejected = "ceremony.rejected",
    /// A certificate was asked for from an authority elsewhere, for an issuer's key; the request is the payload.
    CeremonyRequested = "ceremony.requested",
    /// A ceremony ended; its transcript is the payload.
    CeremonyEnded = "ceremony.ended",
    /// A key was made.
    KeyGenerated = "key.generated",
    /// A key changed state.
    KeyStateChanged = "key.state",
    /// A key was destroyed.
    KeyDestroyed = "key.destroyed",
    /// An officer had a private key written in another form; the form is the object.
    KeyConverted = "key.converted",
    /// An issuer was made.
    IssuerCreated = "issuer.created",
    /// An issuer got a new key and hands its work to it.
    IssuerRolled = "issuer.rolled",
    /// An issuer was revoked: it issues no more.
    IssuerRevoked = "issuer.revoked",
    /// What an authority elsewhere signed was taken over: an issuer's certificate, a root, a list.
    IssuerImported = "issuer.imported",
    /// A certificate was requested.
    CertificateRequested = "cert.requested",
    /// A holder was invited to send a key for names an officer filed.
    HolderInvited = "cert.invited",
    /// A holder sent the key for a request.
    KeyReceived = "cert.key",
    /// A request was reviewed; somebody else may approve it.
    CertificateReviewed = "cert.reviewed",
    /// Evidence was added to a request.
    EvidenceAdded = "cert.evidence",
    /// A branch was opened or closed, or its officers changed.
    BranchChanged = "branch.changed",
    /// A request was approved; the certificate follows.
    CertificateApproved = "cert.approved",
    /// A request was rejected.
    CertificateRejected = "cert.rejected",
    /// A certificate was issued.
    CertificateIssued = "cert.issued",
    /// A certificate was revoked or put on hold.
    CertificateRevoked = "cert.revoked",
    /// A certificate on hold was released.
    CertificateReleased = "cert.released",
    /// An intent without a certificate was found at start and its serial revoked.
    IntentRecovered = "cert.recovered",
    /// A changed certificate profile was proposed; its text is the payload.
    ProfileProposed = "profile.proposed",
    /// A proposed profile was approved and is in force.
    ProfileApproved = "profile.approved",
    /// A proposed profile was rejected or withdrawn.
    ProfileRejected = "profile.rejected",
    /// A CRL was published.
    CrlPublished = "crl.published",
    /// An officer was added.
    OfficerAdded = "officer.added",
    /// An officer was disabled.
    OfficerDisabled = "officer.disabled",
    /// An officer's credential was bound or replaced.
    CredentialBound = "officer.credential",
    /// A one-time link was made.
    LinkMade = "officer.link",
    /// A call was refused for lack of rights.
    AccessDenied = "access.denied",
    /// A time-stamp was made; the token is the payload.
    TimeStamped = "tsa.stamped",
    /// A time-stamping unit's certificate was taken into use.
    StampUnitAdded = "tsa.unit",
    /// A seal was applied for.
    SealRequested = "seal.requested",
    /// An application for a seal was reviewed.
    SealReviewed = "seal.reviewed",
    /// An application for a seal was approved; the seal follows.
    SealApproved = "seal.approved",
    /// An application for a seal was rejected.
    SealRejected = "seal.rejected",
    /// A seal was made, or made again with renewed certificates; it is the payload.
    SealMade = "seal.made",
    /// A seal was enabled, for the first time or after a suspension.
    SealEnabled = "seal.enabled",
    /// A seal was suspended.
    SealSuspended = "seal.suspended",
    /// A seal was revoked for good.
    SealRevoked = "seal.revoked",
    /// A revoked seal's keys and picture were destroyed.
    SealDestroyed = "seal.destroyed",
    /// A seal was put on a document; the signature is the payload.
    SealUsed = "seal.used",
    /// The status of a seal was told under signature; the answer is the payload.
    SealStatusTold = "seal.status",
    /// The clock became unsure or sure again: time-stamping stopped or goes on.
    StampClock = "tsa.clock",
    /// Somebody signed in at the portal, or was refused.
    SignedIn = "session.begun",
    /// Sessions of somebody were ended.
    SignedOut = "session.ended",
    /// A way to sign in was taken away.
    CredentialRemoved = "officer.credential-removed",
    /// Something the installation says of itself was changed.
    SettingChanged = "system.setting",
    /// Many things were signed with one key: how many, and the root over their digests.
    BulkSigned = "sign.bulk",
    /// A tenant got a unit of the signing pool of its own.
    UnitCreated = "unit.created",
    /// A unit got more or fewer workers.
    UnitResized = "unit.resized",
    /// A unit was destroyed, and its keys with it.
    UnitDestroyed = "unit.destroyed",
    /// An encryption key was delivered to its holder for the first time.
    CentreDelivered = "centre.delivered",
    /// An officer asked for an archived key to be recovered or destroyed; the order is the payload.
    CentreAsked = "centre.asked",
    /// Another officer approved it: the key was handed out in an envelope, whose digest is in the payload.
    CentreRecovered = "centre.recovered",
    /// Another officer approved it: the archived key was destroyed.
    CentreDestroyed = "centre.destroyed",
    /// An order to the key centre was refused or withdrawn.
    CentreRefused = "centre.refused",
    /// Verifying a tenant's bulk signatures before they leave was switched off or on.
    BulkPolicyChanged = "sign.policy",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back_to_its_event() {
        for event in Event::ALL {
            assert_eq!(Event::from_word(event.as_str()), Some(*event));
        }
        assert_eq!(Event::from_word("cert"), None);
    }
}
