//! Every object identifier the suite writes or recognises, with its source.

use const_oid::ObjectIdentifier as Oid;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: Oid = Oid::new_unwrap($text);)*
    };
}

// Keys and curves
oids! {
    /// id-ecPublicKey, RFC 5480 2.1.1.
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    /// secp256r1 (P-256), RFC 5480 2.1.1.1.
    P256 = "1.2.840.10045.3.1.7";
    /// secp384r1 (P-384), RFC 5480 2.1.1.1.
    P384 = "1.3.132.0.34";
    /// sm2p256v1, GB/T 33560-2017.
    SM2 = "1.2.156.10197.1.301";
    /// rsaEncryption, RFC 8017 A.1.
    RSA = "1.2.840.113549.1.1.1";
    /// id-Ed25519, RFC 8410 3: key and signature.
    ED25519 = "1.3.101.112";
}

// Signatures and digests
oids! {
    /// SM2 with SM3, GB/T 33560-2017.
    SM2_WITH_SM3 = "1.2.156.10197.1.501";
    /// SM2 signature, GB/T 33560-2017: what messages of GM/T 0010 name.
    SM2_SIGN = "1.2.156.10197.1.301.1";
    /// ecdsa-with-SHA256, RFC 5758 3.2.
    ECDSA_SHA256 = "1.2.840.10045.4.3.2";
    /// ecdsa-with-SHA384, RFC 5758 3.2.
    ECDSA_SHA384 = "1.2.840.10045.4.3.3";
    /// sha256WithRSAEncryption, RFC 4055 5.
    RSA_SHA256 = "1.2.840.113549.1.1.11";
    /// sha384WithRSAEncryption, RFC 4055 5.
    RSA_SHA384 = "1.2.840.113549.1.1.12";
    /// sha512WithRSAEncryption, RFC 4055 5.
    RSA_SHA512 = "1.2.840.113549.1.1.13";
    /// SM3, GB/T 33560-2017.
    SM3 = "1.2.156.10197.1.401";
    /// SHA-1, RFC 3279 2.1: names an issuer in OCSP, signs nothing.
    SHA1 = "1.3.14.3.2.26";
    /// SHA-256, RFC 5754 2.2.
    SHA256 = "2.16.840.1.101.3.4.2.1";
    /// SHA-384, RFC 5754 2.3.
    SHA384 = "2.16.840.1.101.3.4.2.2";
    /// SHA-512, RFC 5754 2.4.
    SHA512 = "2.16.840.1.101.3.4.2.3";
}

// Signed messages, RFC 5652, RFC 3161, RFC 5035 and GM/T 0010
oids! {
    /// id-data, RFC 5652 4.
    DATA = "1.2.840.113549.1.7.1";
    /// id-envelopedData, RFC 5652 6.1.
    ENVELOPED_DATA = "1.2.840.113549.1.7.3";
    /// envelopedData of GM/T 0010 (GB/T 35275).
    GM_ENVELOPED_DATA = "1.2.156.10197.6.1.4.2.3";
    /// id-signedData, RFC 5652 5.1.
    SIGNED_DATA = "1.2.840.113549.1.7.2";
    /// data of GM/T 0010.
    GM_DATA = "1.2.156.10197.6.1.4.2.1";
    /// signedData of GM/T 0010.
    GM_SIGNED_DATA = "1.2.156.10197.6.1.4.2.2";
    /// id-ct-TSTInfo, RFC 3161 2.4.2.
    CT_TST_INFO = "1.2.840.113549.1.9.16.1.4";
    /// contentType, RFC 5652 11.1.
    CONTENT_TYPE = "1.2.840.113549.1.9.3";
    /// messageDigest, RFC 5652 11.2.
    MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
    /// signingTime, RFC 5652 11.3.
    SIGNING_TIME = "1.2.840.113549.1.9.5";
    /// signingCertificate, RFC 2634 5.4: SHA-1 only. Read, never written.
    SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
    /// signingCertificateV2, RFC 5035 3.
    SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
    /// id-aa-timeStampToken over a signature, RFC 3161 appendix A.
    SIGNATURE_TIME_STAMP = "1.2.840.113549.1.9.16.2.14";
}

// Attributes of names, X.520 and RFC 4519
oids! {
    /// commonName.
    CN = "2.5.4.3";
    /// surname.
    SURNAME = "2.5.4.4";
    /// serialNumber.
    SERIAL_NUMBER = "2.5.4.5";
    /// countryName.
    C = "2.5.4.6";
    /// localityName.
    L = "2.5.4.7";
    /// stateOrProvinceName.
    ST = "2.5.4.8";
    /// streetAddress.
    STREET = "2.5.4.9";
    /// organizationName.
    O = "2.5.4.10";
    /// organizationalUnitName.
    OU = "2.5.4.11";
    /// postalCode.
    POSTAL_CODE = "2.5.4.17";
    /// givenName.
    GIVEN_NAME = "2.5.4.42";
    /// domainComponent.
    DC = "0.9.2342.19200300.100.1.25";
    /// emailAddress, PKCS#9.
    EMAIL = "1.2.840.113549.1.9.1";
}

// Extensions, RFC 5280 4.2 and 5.2
oids! {
    /// subjectKeyIdentifier.
    SUBJECT_KEY_ID = "2.5.29.14";
    /// keyUsage.
    KEY_USAGE = "2.5.29.15";
    /// subjectAltName.
    SUBJECT_ALT_NAME = "2.5.29.17";
    /// basicConstraints.
    BASIC_CONSTRAINTS = "2.5.29.19";
    /// cRLNumber.
    CRL_NUMBER = "2.5.29.20";
    /// reasonCode, in a CRL entry.
    CRL_REASON = "2.5.29.21";
    /// invalidityDate, in a CRL entry.
    INVALIDITY_DATE = "2.5.29.24";
    /// deltaCRLIndicator.
    DELTA_CRL_INDICATOR = "2.5.29.27";
    /// issuingDistributionPoint.
    ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
    /// nameConstraints.
    NAME_CONSTRAINTS = "2.5.29.30";
    /// cRLDistributionPoints.
    CRL_DISTRIBUTION_POINTS = "2.5.29.31";
    /// certificateIssuer, in an entry of an indirect CRL.
    CERTIFICATE_ISSUER = "2.5.29.29";
    /// freshestCRL.
    FRESHEST_CRL = "2.5.29.46";
    /// certificatePolicies.
    CERTIFICATE_POLICIES = "2.5.29.32";
    /// policyMappings.
    POLICY_MAPPINGS = "2.5.29.33";
    /// policyConstraints.
    POLICY_CONSTRAINTS = "2.5.29.36";
    /// inhibitAnyPolicy.
    INHIBIT_ANY_POLICY = "2.5.29.54";
    /// expiredCertsOnCRL, X.509 9.5.2.8.
    EXPIRED_CERTS_ON_CRL = "2.5.29.60";
    /// authorityKeyIdentifier.
    AUTHORITY_KEY_ID = "2.5.29.35";
    /// extKeyUsage.
    EXT_KEY_USAGE = "2.5.29.37";
    /// authorityInfoAccess.
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
    /// id-pkix-ocsp-nocheck, RFC 6960 4.2.2.2.1.
    OCSP_NOCHECK = "1.3.6.1.5.5.7.48.1.5";
    /// extensionRequest, an attribute of PKCS#10 requests, RFC 2985 5.4.2.
    EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
    /// TLS feature (must-staple), RFC 7633.
    TLS_FEATURE = "1.3.6.1.5.5.7.1.24";
}

// Certificate policies
oids! {
    /// anyPolicy, RFC 5280 4.2.1.4.
    ANY_POLICY = "2.5.29.32.0";
    /// id-qt-cps, RFC 5280 4.2.1.4.
    POLICY_CPS = "1.3.6.1.5.5.7.2.1";
    /// CA/Browser Forum: extended validation.
    FORUM_EV = "2.23.140.1.1";
    /// CA/Browser Forum: domain validated.
    FORUM_DV = "2.23.140.1.2.1";
    /// CA/Browser Forum: organisation validated.
    FORUM_OV = "2.23.140.1.2.2";
    /// CA/Browser Forum: individual validated.
    FORUM_IV = "2.23.140.1.2.3";
    /// anyExtendedKeyUsage, RFC 5280 4.2.1.12.
    ANY_EXT_KEY_USAGE = "2.5.29.37.0";
}

// Access methods, RFC 5280 4.2.2.1
oids! {
    /// id-ad-ocsp.
    AD_OCSP = "1.3.6.1.5.5.7.48.1";
    /// id-ad-caIssuers.
    AD_CA_ISSUERS = "1.3.6.1.5.5.7.48.2";
}

// OCSP, RFC 6960 4.4
oids! {
    /// id-pkix-ocsp-basic, the one kind of answer.
    OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1";
    /// id-pkix-ocsp-nonce, RFC 9654.
    OCSP_NONCE = "1.3.6.1.5.5.7.48.1.2";
    /// id-pkix-ocsp-response: the kinds of answer a client takes.
    OCSP_RESPONSE = "1.3.6.1.5.5.7.48.1.4";
    /// id-pkix-ocsp-archive-cutoff.
    OCSP_ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6";
    /// id-pkix-ocsp-service-locator.
    OCSP_SERVICE_LOCATOR = "1.3.6.1.5.5.7.48.1.7";
    /// id-pkix-ocsp-pref-sig-algs.
    OCSP_PREFERRED_SIGNATURES = "1.3.6.1.5.5.7.48.1.8";
    /// id-pkix-ocsp-extended-revoke.
    OCSP_EXTENDED_REVOKE = "1.3.6.1.5.5.7.48.1.9";
}

// Extended key usages, RFC 5280 4.2.1.12
oids! {
    /// id-kp-serverAuth.
    KP_SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
    /// id-kp-clientAuth.
    KP_CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
    /// id-kp-codeSigning.
    KP_CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
    /// id-kp-emailProtection.
    KP_EMAIL = "1.3.6.1.5.5.7.3.4";
    /// id-kp-timeStamping.
    KP_TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
    /// id-kp-OCSPSigning.
    KP_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
    /// id-kp-documentSigning, RFC 9336.
    KP_DOCUMENT_SIGNING = "1.3.6.1.5.5.7.3.36";
}

// Keys under a password: PKCS #5 (RFC 8018), PKCS #12 (RFC 7292), GM/T 0091-2020
oids! {
    /// id-PBES2, RFC 8018 A.4.
    PBES2 = "1.2.840.113549.1.5.13";
    /// id-PBKDF2, RFC 8018 A.2.
    PBKDF2 = "1.2.840.113549.1.5.12";
    /// id-hmacWithSHA1, RFC 8018 B.1.1.
    HMAC_SHA1 = "1.2.840.113549.2.7";
    /// id-hmacWithSHA256, RFC 8018 B.1.2.
    HMAC_SHA256 = "1.2.840.113549.2.9";
    /// id-hmacWithSHA384, RFC 8018 B.1.2.
    HMAC_SHA384 = "1.2.840.113549.2.10";
    /// id-hmacWithSHA512, RFC 8018 B.1.2.
    HMAC_SHA512 = "1.2.840.113549.2.11";
    /// HMAC with SM3 as a pseudo-random function, GM/T 0091-2020.
    HMAC_SM3 = "1.2.156.10197.1.401.3.1";
    /// aes128-CBC-PAD, RFC 8018 B.2.5.
    AES128_CBC = "2.16.840.1.101.3.4.1.2";
    /// aes192-CBC-PAD, RFC 8018 B.2.5.
    AES192_CBC = "2.16.840.1.101.3.4.1.22";
    /// aes256-CBC-PAD, RFC 8018 B.2.5.
    AES256_CBC = "2.16.840.1.101.3.4.1.42";
    /// SM4, GB/T 33560-2017; some write it for SM4-CBC.
    SM4 = "1.2.156.10197.1.104";
    /// SM2 encryption, GB/T 33560-2017.
    SM2_ENCRYPTION = "1.2.156.10197.1.301.3";
    /// SM2 key exchange, GB/T 33560-2017; some write it for encryption.
    SM2_EXCHANGE = "1.2.156.10197.1.301.2";
    /// SM4-ECB, GB/T 33560-2017.
    SM4_ECB = "1.2.156.10197.1.104.1";
    /// SM4-CBC, GB/T 33560-2017.
    SM4_CBC = "1.2.156.10197.1.104.2";
    /// keyBag, RFC 7292 4.2.1.
    KEY_BAG = "1.2.840.113549.1.12.10.1.1";
    /// pkcs8ShroudedKeyBag, RFC 7292 4.2.2.
    SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2";
    /// certBag, RFC 7292 4.2.3.
    CERT_BAG = "1.2.840.113549.1.12.10.1.3";
    /// id-encryptedData, RFC 5652 8.
    ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
    /// x509Certificate in a certBag, RFC 7292 4.2.3.
    X509_CERTIFICATE = "1.2.840.113549.1.9.22.1";
    /// friendlyName, RFC 2985 5.5.1.
    FRIENDLY_NAME = "1.2.840.113549.1.9.20";
    /// localKeyId, RFC 2985 5.5.2.
    LOCAL_KEY_ID = "1.2.840.113549.1.9.21";
}
