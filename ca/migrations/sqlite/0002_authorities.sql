-- What becomes of issuers after they were made, and the ceremonies in which it is decided.

-- No row: the issuer is active.
CREATE TABLE ca_issuer_state (
    issuer_id TEXT    NOT NULL PRIMARY KEY REFERENCES ca_issuer (issuer_id),
    tenant_id TEXT    NOT NULL,
    -- 'rolled': its successor issues instead, it still signs its own lists. 'revoked': it issues nothing any more.
    -- 'offline': it signs in ceremonies only, here or on a machine that has its key.
    state     TEXT    NOT NULL CHECK (state IN ('rolled', 'revoked', 'offline')),
    successor TEXT    REFERENCES ca_issuer (issuer_id),
    since     INTEGER NOT NULL,
    reason    TEXT,
    audit_seq INTEGER,
    CHECK ((state = 'rolled') = (successor IS NOT NULL)),
    CHECK ((state = 'revoked') = (reason IS NOT NULL))
) WITHOUT ROWID;

-- Certificates that connect our issuers with authorities elsewhere.
CREATE TABLE ca_cross (
    sha256      BLOB    NOT NULL PRIMARY KEY,
    tenant_id   TEXT    NOT NULL,
    -- 'given': our issuer certified another's key. 'received': another certified our issuer's key.
    direction   TEXT    NOT NULL CHECK (direction IN ('given', 'received')),
    issuer_id   TEXT    NOT NULL REFERENCES ca_issuer (issuer_id),
    other       TEXT    NOT NULL,
    not_after   INTEGER NOT NULL,
    certificate BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    audit_seq   INTEGER
) WITHOUT ROWID;

CREATE INDEX ca_cross_issuer ON ca_cross (issuer_id);

-- A plan, or the answer of a machine elsewhere, that one person put forward and another confirms.
CREATE TABLE ca_ceremony (
    ceremony_id BLOB    NOT NULL PRIMARY KEY,
    tenant_id   TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('plan', 'import')),
    state       TEXT    NOT NULL CHECK (state IN ('proposed', 'running', 'done', 'failed', 'rejected')),
    title       TEXT    NOT NULL,
    -- The plan or the answer, as it came, and the request that came with a plan.
    source      TEXT    NOT NULL,
    request     TEXT,
    -- SM3 over both: what people compare aloud.
    sm3         BLOB    NOT NULL,
    one_step    INTEGER NOT NULL CHECK (one_step IN (0, 1)),
    proposer    TEXT    NOT NULL,
    decider     TEXT,
    proposed_at INTEGER NOT NULL,
    decided_at  INTEGER,
    reason      TEXT,
    response    TEXT,
    transcript  TEXT,
    audit_seq   INTEGER,
    CHECK ((state = 'proposed') = (decider IS NULL)),
    -- Two persons: nobody confirms what they put forward. Only a trial may, and the row says so.
    CHECK (state IN ('proposed', 'rejected') OR one_step = 1 OR decider <> proposer)
) WITHOUT ROWID;

CREATE INDEX ca_ceremony_newest ON ca_ceremony (tenant_id, proposed_at);
CREATE INDEX ca_ceremony_sm3 ON ca_ceremony (sm3);

-- Keys for which a certificate was asked of an authority elsewhere.
CREATE TABLE ca_ceremony_key (
    key_id     BLOB    NOT NULL PRIMARY KEY,
    tenant_id  TEXT    NOT NULL,
    issuer_id  TEXT    NOT NULL,
    public_url TEXT    NOT NULL,
    follows    TEXT,
    -- SM3 of the plan and of the request file.
    plan       BLOB    NOT NULL,
    request    BLOB    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('open', 'answered', 'replaced')),
    made_by    TEXT    NOT NULL,
    made_at    INTEGER NOT NULL,
    audit_seq  INTEGER
) WITHOUT ROWID;

CREATE INDEX ca_ceremony_key_request ON ca_ceremony_key (request);
