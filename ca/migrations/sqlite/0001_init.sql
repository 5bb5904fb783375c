-- Tables of the certificate authority. Times are milliseconds since 1970, UTC. Names here may be
-- personal data; the audit log holds digests of these rows only.
-- audit_seq: the newest log entry that covers the row, NULL while no entry does.

CREATE TABLE ca_issuer (
    issuer_id   TEXT    NOT NULL PRIMARY KEY,
    tenant_id   TEXT    NOT NULL,
    parent      TEXT    REFERENCES ca_issuer (issuer_id),
    key_id      BLOB    NOT NULL UNIQUE,
    certificate BLOB    NOT NULL,
    public_url  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    audit_seq   INTEGER
) WITHOUT ROWID;

-- Branches of the registration authority (受理点). A branch is closed, never removed.
CREATE TABLE ca_branch (
    tenant_id  TEXT    NOT NULL,
    branch_id  TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    open       INTEGER NOT NULL CHECK (open IN (0, 1)),
    created_at INTEGER NOT NULL,
    audit_seq  INTEGER,
    PRIMARY KEY (tenant_id, branch_id)
) WITHOUT ROWID;

-- An officer with a line here that is active sees and decides the requests of these branches only.
CREATE TABLE ca_branch_officer (
    tenant_id  TEXT    NOT NULL,
    officer    TEXT    NOT NULL,
    branch_id  TEXT    NOT NULL,
    active     INTEGER NOT NULL CHECK (active IN (0, 1)),
    changed_at INTEGER NOT NULL,
    audit_seq  INTEGER,
    PRIMARY KEY (tenant_id, officer, branch_id),
    FOREIGN KEY (tenant_id, branch_id) REFERENCES ca_branch (tenant_id, branch_id)
) WITHOUT ROWID;

-- Requests that were filed together from one file.
CREATE TABLE ca_batch (
    batch_id     BLOB    NOT NULL PRIMARY KEY,
    tenant_id    TEXT    NOT NULL,
    title        TEXT    NOT NULL,
    officer      TEXT    NOT NULL,
    submitted_at INTEGER NOT NULL,
    audit_seq    INTEGER
) WITHOUT ROWID;

CREATE INDEX ca_batch_newest ON ca_batch (tenant_id, submitted_at);

-- State 'invited': an officer filed the names, the holder has yet to send the key.
CREATE TABLE ca_request (
    request_id     BLOB    NOT NULL PRIMARY KEY,
    tenant_id      TEXT    NOT NULL,
    state          TEXT    NOT NULL
        CHECK (state IN ('invited', 'submitted', 'reviewed', 'issuing', 'issued', 'rejected', 'failed')),
    one_step       INTEGER NOT NULL CHECK (one_step IN (0, 1)),
    kind           TEXT    NOT NULL DEFAULT 'new' CHECK (kind IN ('new', 'renew', 'rekey', 'reissue')),
    branch_id      TEXT,
    batch_id       BLOB,
    -- The line of the batch's file.
    batch_line     INTEGER,
    requester      TEXT    NOT NULL,
    reviewer       TEXT,
    approver       TEXT,
    needs_review   INTEGER NOT NULL DEFAULT 0 CHECK (needs_review IN (0, 1)),
    needs_evidence INTEGER NOT NULL DEFAULT 0 CHECK (needs_evidence IN (0, 1)),
    profile        TEXT    NOT NULL,
    profile_digest BLOB    NOT NULL,
    issuer_id      TEXT,
    subject        BLOB    NOT NULL,
    sans           TEXT    NOT NULL,
    identity       TEXT    NOT NULL DEFAULT '',
    csr            BLOB,
    spki           BLOB,
    days           INTEGER,
    -- Where the holder gets mail.
    contact        TEXT,
    submitted_at   INTEGER NOT NULL,
    reviewed_at    INTEGER,
    decided_at     INTEGER,
    reason         TEXT,
    serial         BLOB,
    -- The certificate this one follows.
    old_issuer     TEXT,
    old_serial     BLOB,
    -- SM3 of the pick-up link's secret.
    pickup         BLOB    UNIQUE,
    pickup_until   INTEGER,
    audit_seq      INTEGER,
    -- Four eyes: whoever filed a request never approves it. Only a trial takes the one-step path,
    -- and the row says so.
    CHECK (one_step = 1 OR approver IS NULL OR approver <> requester),
    -- Six eyes where the profile asks for a reviewer: all three differ, and none is left out.
    CHECK (reviewer IS NULL OR (reviewer <> requester AND (approver IS NULL OR approver <> reviewer))),
    CHECK (one_step = 1 OR state NOT IN ('issuing', 'issued', 'failed')
        OR (approver IS NOT NULL AND (needs_review = 0 OR reviewer IS NOT NULL))),
    CHECK ((reviewer IS NULL) = (reviewed_at IS NULL)),
    -- Only what still waits for its holder, or was given up, has no key.
    CHECK (state IN ('invited', 'rejected') OR (spki IS NOT NULL AND issuer_id IS NOT NULL)),
    CHECK ((kind = 'new') = (old_serial IS NULL)),
    CHECK ((pickup IS NULL) = (pickup_until IS NULL))
) WITHOUT ROWID;

CREATE INDEX ca_request_open ON ca_request (tenant_id, submitted_at, request_id)
    WHERE state IN ('invited', 'submitted', 'reviewed');
CREATE INDEX ca_request_decided ON ca_request (tenant_id, decided_at, request_id, branch_id, profile)
    WHERE decided_at IS NOT NULL;
-- Which certificates were followed by another: their holders need no reminder.
CREATE INDEX ca_request_follows ON ca_request (old_issuer, old_serial) WHERE old_serial IS NOT NULL;
CREATE INDEX ca_request_batch ON ca_request (batch_id, batch_line) WHERE batch_id IS NOT NULL;

-- Evidence for the names of a request. Files lie once each under their digest.
CREATE TABLE ca_evidence (
    evidence_id BLOB    NOT NULL PRIMARY KEY,
    tenant_id   TEXT    NOT NULL,
    request_id  BLOB    NOT NULL REFERENCES ca_request (request_id),
    method      TEXT    NOT NULL,
    note        TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    file_name   TEXT,
    file_size   INTEGER,
    file_sm3    BLOB,
    officer     TEXT    NOT NULL,
    added_at    INTEGER NOT NULL,
    audit_seq   INTEGER,
    CHECK ((file_sm3 IS NULL) = (file_name IS NULL) AND (file_sm3 IS NULL) = (file_size IS NULL))
) WITHOUT ROWID;

CREATE INDEX ca_evidence_request ON ca_evidence (request_id);

-- Not covered by the log itself: its key is the digest that a covered row names.
CREATE TABLE ca_evidence_file (
    tenant_id TEXT NOT NULL,
    sm3       BLOB NOT NULL,
    content   BLOB NOT NULL,
    PRIMARY KEY (tenant_id, sm3)
);

-- issuer_id is no foreign key here and above: a root's own certificate is intended before the root exists.
-- A row is made before the signature ('intended', with the exact bytes to be signed) and completed
-- with it ('issued'). The certificate itself is the payload of log entry issue_seq.
CREATE TABLE ca_certificate (
    issuer_id      TEXT    NOT NULL,
    serial         BLOB    NOT NULL,
    tenant_id      TEXT    NOT NULL,
    request_id     BLOB    NOT NULL UNIQUE REFERENCES ca_request (request_id),
    state          TEXT    NOT NULL CHECK (state IN ('intended', 'issued', 'abandoned')),
    profile        TEXT    NOT NULL,
    profile_digest BLOB    NOT NULL,
    subject        TEXT    NOT NULL,
    sans           TEXT    NOT NULL,
    not_before     INTEGER NOT NULL,
    not_after      INTEGER NOT NULL,
    tbs            BLOB,
    -- For finding: the organisation in the subject, SM3 of the key, SHA-256 of the certificate.
    organisation   TEXT,
    key_sm3        BLOB,
    sha256         BLOB,
    issue_seq      INTEGER NOT NULL,
    revoked_at     INTEGER,
    reason         INTEGER,
    invalidity     INTEGER,
    -- Which share of its issuer's revocation list it is in; 0 for the whole list. Fixed at issue: the address
    -- of that list stands in the certificate.
    shard          INTEGER NOT NULL DEFAULT 0,
    audit_seq      INTEGER,
    PRIMARY KEY (issuer_id, serial),
    CHECK ((revoked_at IS NULL) = (reason IS NULL)),
    CHECK (state <> 'abandoned' OR revoked_at IS NOT NULL)
) WITHOUT ROWID;

-- These three hold whatever lists are narrowed by, so that a list reads only the rows it shows.
CREATE INDEX ca_certificate_newest ON ca_certificate
    (tenant_id, issue_seq, not_after, not_before, profile, revoked_at, reason) WHERE issue_seq >= 0;
CREATE INDEX ca_certificate_expiry ON ca_certificate
    (tenant_id, not_after, issue_seq, not_before, profile, revoked_at, reason) WHERE issue_seq >= 0;
CREATE INDEX ca_certificate_organisation ON ca_certificate
    (tenant_id, organisation, issue_seq, not_after, not_before, profile, revoked_at, reason)
    WHERE issue_seq >= 0 AND organisation IS NOT NULL;
CREATE INDEX ca_certificate_key ON ca_certificate (key_sm3, tenant_id) WHERE key_sm3 IS NOT NULL;
CREATE INDEX ca_certificate_sha256 ON ca_certificate (sha256) WHERE sha256 IS NOT NULL;
-- The words of subject and alternative names; rowid is issue_seq. Made from the rows, answers for nothing.
CREATE VIRTUAL TABLE ca_search USING fts5 (words, content = '', tokenize = 'ascii');
CREATE INDEX ca_certificate_intended ON ca_certificate (issuer_id) WHERE state = 'intended';
-- Holds everything a CRL entry needs, so that a CRL is one pass over this index.
CREATE INDEX ca_certificate_revoked ON ca_certificate (issuer_id, serial, revoked_at, reason, invalidity, not_after)
    WHERE revoked_at IS NOT NULL;
-- Status changes after issue: tells whether a CRL has become stale.
CREATE INDEX ca_certificate_changed ON ca_certificate (issuer_id, audit_seq) WHERE audit_seq > issue_seq;
-- The same two for the shares of a list.
CREATE INDEX ca_certificate_shard_revoked
    ON ca_certificate (issuer_id, shard, serial, revoked_at, reason, invalidity, not_after)
    WHERE revoked_at IS NOT NULL AND shard > 0;
CREATE INDEX ca_certificate_shard_changed ON ca_certificate (issuer_id, shard, audit_seq) WHERE audit_seq > issue_seq;

CREATE TABLE ca_crl (
    issuer_id   TEXT    NOT NULL REFERENCES ca_issuer (issuer_id),
    -- One sequence for all lists of an issuer.
    number      INTEGER NOT NULL,
    -- 0 for the whole list.
    shard       INTEGER NOT NULL,
    -- The full list that a delta adds to; NULL for a full list.
    base        INTEGER,
    tenant_id   TEXT    NOT NULL,
    entries     INTEGER NOT NULL,
    this_update INTEGER NOT NULL,
    next_update INTEGER NOT NULL,
    -- The newest status change it tells of.
    as_of       INTEGER NOT NULL,
    sm3         BLOB    NOT NULL,
    size        INTEGER NOT NULL,
    audit_seq   INTEGER,
    PRIMARY KEY (issuer_id, number)
) WITHOUT ROWID;

CREATE INDEX ca_crl_full ON ca_crl (issuer_id, shard, number) WHERE base IS NULL;
CREATE INDEX ca_crl_delta ON ca_crl (issuer_id, shard, number) WHERE base IS NOT NULL;

-- Keys that are never certified again, for anybody: those of certificates revoked with keyCompromise.
CREATE TABLE ca_blocked_key (
    spki_sm3  BLOB    NOT NULL PRIMARY KEY,
    tenant_id TEXT    NOT NULL,
    since     INTEGER NOT NULL,
    issuer_id TEXT    NOT NULL,
    serial    BLOB    NOT NULL,
    audit_seq INTEGER
) WITHOUT ROWID;

-- Certificate profiles that officers proposed. Whatever was approved last is in force instead of the built-in one.
CREATE TABLE ca_profile (
    name        TEXT    NOT NULL,
    version     INTEGER NOT NULL CHECK (version > 0),
    tenant_id   TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('proposed', 'approved', 'rejected')),
    source      TEXT    NOT NULL,
    sm3         BLOB    NOT NULL,
    note        TEXT    NOT NULL,
    proposer    TEXT    NOT NULL,
    decider     TEXT,
    proposed_at INTEGER NOT NULL,
    decided_at  INTEGER,
    reason      TEXT,
    audit_seq   INTEGER,
    PRIMARY KEY (name, version),
    CHECK ((state = 'proposed') = (decided_at IS NULL)),
    -- Four eyes: nobody approves what they proposed.
    CHECK (state <> 'approved' OR (decider IS NOT NULL AND decider <> proposer))
) WITHOUT ROWID;

-- One version of a name waits at a time.
CREATE UNIQUE INDEX ca_profile_open ON ca_profile (name) WHERE state = 'proposed';
