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

CREATE TABLE ca_request (
    request_id     BLOB    NOT NULL PRIMARY KEY,
    tenant_id      TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('submitted', 'issuing', 'issued', 'rejected', 'failed')),
    one_step       INTEGER NOT NULL CHECK (one_step IN (0, 1)),
    requester      TEXT    NOT NULL,
    approver       TEXT,
    profile        TEXT    NOT NULL,
    profile_digest BLOB    NOT NULL,
    issuer_id      TEXT    NOT NULL,
    subject        BLOB    NOT NULL,
    sans           TEXT    NOT NULL,
    identity       TEXT    NOT NULL,
    csr            BLOB,
    spki           BLOB    NOT NULL,
    days           INTEGER,
    submitted_at   INTEGER NOT NULL,
    decided_at     INTEGER,
    reason         TEXT,
    serial         BLOB,
    audit_seq      INTEGER,
    -- Four eyes: whoever filed a request never approves it. Only a trial takes the one-step path,
    -- and the row says so.
    CHECK (one_step = 1 OR approver IS NULL OR approver <> requester)
) WITHOUT ROWID;

CREATE INDEX ca_request_open ON ca_request (submitted_at) WHERE state = 'submitted';

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

CREATE INDEX ca_certificate_newest ON ca_certificate (issue_seq);
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
