// An outside judge: BouncyCastle's opinion of our certificates, requests and CRLs.
//
// Nothing of the suite is used here; what this program accepts, another implementation of SM2,
// X.509 and PKIX path validation accepts. SM2 signatures are checked with the default identifier
// 1234567812345678, which BouncyCastle takes when none is given.
//
//     java -cp bcprov.jar:bcutil.jar:bcpkix.jar Judge.java COMMAND [-at SECONDS] ARGUMENTS
//
// The exit status is the verdict: 0 accepted, 1 refused, 2 wrong usage, 3 the judge itself failed.
// A file that cannot be read as what it should be is refused; a file that is not there is wrong usage.

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.security.Security;
import java.security.SignatureException;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXCertPathValidatorResult;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.Date;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.pkcs.Attribute;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.CRLNumber;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.CertificateList;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.TBSCertList;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jcajce.PKIXExtendedParameters;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.tsp.TSPException;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampResponse;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.tsp.TimeStampTokenInfo;
import org.bouncycastle.util.encoders.Hex;

public final class Judge {
    private static final String HELP =
            "commands:\n"
                    + "  chain ROOT.pem CHAIN.pem LEAF..            PKIX path validation, no revocation\n"
                    + "  chain-crl ROOT.pem CHAIN.pem LEAF CRL..    the same, every CRL demanded\n"
                    + "  chain-delta ROOT.pem CHAIN.pem LEAF CRL..  the same, deltas looked at\n"
                    + "  crl ISSUER.pem CRL                         a CRL under its issuer; prints its facts\n"
                    + "  csr FILE                                   a PKCS#10 request; prints its facts\n"
                    + "  stamp ROOT.pem CHAIN.pem QUERY REPLY [SIGNER.pem]   a time-stamp; prints its facts\n"
                    + "  cert FILE                                  a certificate; prints its facts\n"
                    + "  provider                                   the version of BouncyCastle\n"
                    + "-at SECONDS, first: judge as of that second since 1970 instead of now.\n"
                    + "CHAIN.pem may be '-' for none. Files may be PEM or DER.\n"
                    + "exit status: 0 accepted, 1 refused, 2 usage, 3 the judge failed";

    // How many revoked serials are listed one by one.
    private static final int LISTED = 100;

    private Judge() {}

    /** The object is not acceptable. */
    private static final class Refused extends Exception {
        Refused(String why) {
            super(why);
        }
    }

    /** The command line is wrong. */
    private static final class Usage extends Exception {
        Usage(String why) {
            super(why);
        }
    }

    public static void main(String[] arguments) {
        Security.addProvider(new BouncyCastleProvider());
        try {
            judge(new ArrayList<>(Arrays.asList(arguments)));
        } catch (Refused e) {
            System.out.println("refused: " + e.getMessage());
            System.exit(1);
        } catch (Usage e) {
            System.err.println("usage: " + e.getMessage() + "\n" + HELP);
            System.exit(2);
        } catch (Throwable e) {
            e.printStackTrace();
            System.exit(3);
        }
        System.out.println("accepted");
    }

    private static void judge(List<String> words) throws Exception {
        if (words.isEmpty()) {
            throw new Usage("no command");
        }
        String command = words.remove(0);
        Date at = new Date();
        if (words.size() >= 2 && words.get(0).equals("-at")) {
            at = Date.from(Instant.ofEpochSecond(Long.parseLong(words.get(1))));
            words = words.subList(2, words.size());
        }
        switch (command) {
            case "chain":
                need(words, 3);
                for (String leaf : words.subList(2, words.size())) {
                    chain(words.get(0), words.get(1), leaf, List.of(), false, at);
                }
                break;
            case "chain-crl":
                need(words, 4);
                chain(words.get(0), words.get(1), words.get(2), words.subList(3, words.size()), false, at);
                break;
            case "chain-delta":
                need(words, 4);
                chain(words.get(0), words.get(1), words.get(2), words.subList(3, words.size()), true, at);
                break;
            case "crl":
                need(words, 2);
                crl(words.get(0), words.get(1), at);
                break;
            case "csr":
                need(words, 1);
                request(words.get(0));
                break;
            case "cert":
                need(words, 1);
                certificate(words.get(0));
                break;
            case "stamp":
                need(words, 4);
                stamp(words.get(0), words.get(1), words.get(2), words.get(3), words.size() > 4 ? words.get(4) : null);
                break;
            case "provider":
                System.out.println(Security.getProvider("BC").getInfo());
                break;
            default:
                throw new Usage("no command '" + command + "'");
        }
    }

    private static void need(List<String> words, int least) throws Usage {
        if (words.size() < least) {
            throw new Usage("too few arguments");
        }
    }

    // ---- chains ----

    private static void chain(String rootFile, String chainFile, String leafFile, List<String> crlFiles,
            boolean deltas, Date at) throws Exception {
        X509Certificate root = one(certificates(rootFile), rootFile);
        List<X509Certificate> path = new ArrayList<>();
        path.add(one(certificates(leafFile), leafFile));
        if (!chainFile.equals("-")) {
            path.addAll(certificates(chainFile));
        }
        // An anchor's own signature proves nothing to the PKIX algorithm, but a root that
        // does not verify under its own key is not one we would hand out.
        verify(root, root.getPublicKey(), "the root's own signature");
        if (!root.getIssuerX500Principal().equals(root.getSubjectX500Principal())) {
            throw new Refused("the root is not self-issued");
        }
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
        parameters.setDate(at);
        parameters.setRevocationEnabled(!crlFiles.isEmpty());
        if (!crlFiles.isEmpty()) {
            List<X509CRL> crls = new ArrayList<>();
            for (String file : crlFiles) {
                crls.add(listObject(file));
            }
            parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(crls), "BC"));
        }
        CertPath certPath = CertificateFactory.getInstance("X.509", "BC").generateCertPath(path);
        PKIXCertPathValidatorResult result;
        try {
            result = (PKIXCertPathValidatorResult)
                    CertPathValidator.getInstance("PKIX", "BC").validate(certPath,
                    new PKIXExtendedParameters.Builder(parameters).setUseDeltasEnabled(deltas).build());
        } catch (CertPathValidatorException e) {
            throw new Refused(leafFile + ": certificate " + e.getIndex() + " of the path: " + causes(e));
        }
        System.out.println("path: " + path.size() + " certificates under " + root.getSubjectX500Principal().getName()
                + ", revocation " + (crlFiles.isEmpty() ? "not looked at" : "checked"));
        System.out.println("leaf key: " + keyAlgorithm(result.getPublicKey()));
    }

    private static String causes(Throwable e) {
        StringBuilder text = new StringBuilder(String.valueOf(e.getMessage()));
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause.getMessage() != null && text.indexOf(cause.getMessage()) < 0) {
                text.append(": ").append(cause.getMessage());
            }
        }
        return text.toString();
    }

    // ---- time-stamps ----

    /** RFC 3161: the answer fits the request, the token is signed, its certificate leads to the root at genTime. */
    private static void stamp(String rootFile, String chainFile, String queryFile, String replyFile, String signerFile)
            throws Exception {
        TimeStampToken token;
        try {
            TimeStampRequest request = new TimeStampRequest(Files.readAllBytes(Path.of(queryFile)));
            TimeStampResponse response = new TimeStampResponse(Files.readAllBytes(Path.of(replyFile)));
            fact("status", response.getStatus());
            if (response.getFailInfo() != null) {
                fact("fail info", response.getFailInfo().intValue());
            }
            response.validate(request);
            token = response.getTimeStampToken();
        } catch (TSPException | IOException | RuntimeException e) {
            throw new Refused("the answer: " + causes(e));
        }
        if (token == null) {
            throw new Refused("there is no token");
        }
        X509CertificateHolder signer;
        if (signerFile != null) {
            signer = new X509CertificateHolder(one(certificates(signerFile), signerFile).getEncoded());
        } else {
            Collection<X509CertificateHolder> found = token.getCertificates().getMatches(token.getSID());
            if (found.size() != 1) {
                throw new Refused(found.size() + " certificates of the signer in the token");
            }
            signer = found.iterator().next();
        }
        try {
            token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(signer));
        } catch (TSPException | RuntimeException e) {
            throw new Refused("the token: " + causes(e));
        }
        TimeStampTokenInfo info = token.getTimeStampInfo();
        fact("time", info.getGenTime().toInstant());
        fact("serial", hex(info.getSerialNumber()));
        fact("policy", oid(info.getPolicy()));
        fact("ordering", info.isOrdered());
        fact("imprint", oid(info.getMessageImprintAlgOID()));
        fact("signature", token.toCMSSignedData().getSignerInfos().iterator().next().getEncryptionAlgOID());
        fact("certificates", token.getCertificates().getMatches(null).size());
        Path leaf = Files.createTempFile("signer", ".cer");
        try {
            Files.write(leaf, signer.getEncoded());
            chain(rootFile, chainFile, leaf.toString(), List.of(), false, info.getGenTime());
        } finally {
            Files.delete(leaf);
        }
    }

    // ---- one object at a time ----

    private static void certificate(String file) throws Exception {
        byte[] der = distinguished(file, "CERTIFICATE");
        X509CertificateHolder holder;
        try {
            holder = new X509CertificateHolder(der);
        } catch (IOException | RuntimeException e) {
            throw new Refused("no certificate: " + e.getMessage());
        }
        X509Certificate certificate = one(certificates(file), file);
        fact("version", certificate.getVersion());
        fact("serial", hex(certificate.getSerialNumber()));
        fact("issuer", holder.getIssuer());
        fact("subject", holder.getSubject());
        fact("not before", certificate.getNotBefore().toInstant());
        fact("not after", certificate.getNotAfter().toInstant());
        fact("signature", oid(holder.getSignatureAlgorithm().getAlgorithm()));
        fact("signature parameters", holder.getSignatureAlgorithm().getParameters() == null ? "absent" : "present");
        key(holder.getSubjectPublicKeyInfo(), certificate.getPublicKey());
        extensions(holder.getExtensions());
        fact("self-signed", selfSigned(certificate));
    }

    private static boolean selfSigned(X509Certificate certificate) {
        if (!certificate.getIssuerX500Principal().equals(certificate.getSubjectX500Principal())) {
            return false;
        }
        try {
            certificate.verify(certificate.getPublicKey(), "BC");
            return true;
        } catch (Exception e) {
            return false;
        }
    }

    private static void request(String file) throws Exception {
        byte[] der = distinguished(file, "CERTIFICATE REQUEST");
        PKCS10CertificationRequest request;
        try {
            request = new PKCS10CertificationRequest(der);
        } catch (IOException | RuntimeException e) {
            throw new Refused("no certificate request: " + e.getMessage());
        }
        fact("subject", request.getSubject());
        fact("signature", oid(request.getSignatureAlgorithm().getAlgorithm()));
        fact("key", oid(request.getSubjectPublicKeyInfo().getAlgorithm().getAlgorithm()));
        for (Attribute attribute : request.getAttributes(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest)) {
            extensions(Extensions.getInstance(attribute.getAttrValues().getObjectAt(0)));
        }
        boolean proved;
        try {
            proved = request.isSignatureValid(new JcaContentVerifierProviderBuilder().setProvider("BC")
                    .build(request.getSubjectPublicKeyInfo()));
        } catch (Exception e) {
            throw new Refused("possession not proved: " + causes(e));
        }
        if (!proved) {
            throw new Refused("possession not proved: the signature does not verify");
        }
    }

    private static void crl(String issuerFile, String crlFile, Date at) throws Exception {
        X509Certificate issuer = one(certificates(issuerFile), issuerFile);
        byte[] der = distinguished(crlFile, "X509 CRL");
        CertificateList list;
        try {
            list = CertificateList.getInstance(ASN1Primitive.fromByteArray(der));
        } catch (IOException | RuntimeException e) {
            throw new Refused("no CRL: " + e.getMessage());
        }
        TBSCertList body = list.getTBSCertList();
        if (!list.getSignatureAlgorithm().equals(body.getSignature())) {
            throw new Refused("the signature algorithm inside differs from the one outside (RFC 5280 5.1.1.2)");
        }
        X509CertificateHolder issuerHolder = new X509CertificateHolder(issuer.getEncoded());
        if (!Arrays.equals(list.getIssuer().getEncoded(), issuerHolder.getSubject().getEncoded())) {
            throw new Refused("the CRL's issuer name is not the issuer's subject");
        }
        if (issuer.getKeyUsage() != null && !issuer.getKeyUsage()[6]) {
            throw new Refused("the issuer's key usage lacks cRLSign");
        }
        verifyList(list, issuer.getPublicKey());

        Extensions extensions = body.getExtensions();
        if (extensions == null || list.getVersionNumber() != 2) {
            throw new Refused("not a version 2 CRL with extensions (RFC 5280 5.1.2.1)");
        }
        AuthorityKeyIdentifier authority = AuthorityKeyIdentifier.fromExtensions(extensions);
        SubjectKeyIdentifier subject = SubjectKeyIdentifier.fromExtensions(issuerHolder.getExtensions());
        if (authority == null || subject == null
                || !Arrays.equals(authority.getKeyIdentifier(), subject.getKeyIdentifier())) {
            throw new Refused("the authority key identifier is not the issuer's subject key identifier");
        }
        if (extensions.getExtension(Extension.cRLNumber) == null) {
            throw new Refused("no CRL number (RFC 5280 5.2.3)");
        }
        fact("issuer", list.getIssuer());
        fact("signature", oid(list.getSignatureAlgorithm().getAlgorithm()));
        fact("number", CRLNumber.getInstance(extensions.getExtensionParsedValue(Extension.cRLNumber)).getCRLNumber());
        Date next = list.getNextUpdate() == null ? null : list.getNextUpdate().getDate();
        fact("this update", list.getThisUpdate().getDate().toInstant());
        fact("next update", next == null ? "absent" : next.toInstant());
        if (next == null || !next.after(list.getThisUpdate().getDate())) {
            throw new Refused("no next update after this update (RFC 5280 5.1.2.5)");
        }
        fact("current", !at.before(list.getThisUpdate().getDate()) && !at.after(next));
        extensions(extensions);
        entries(body);
    }

    /** Counts and lists the entries; a serial must not stand in the list twice. */
    private static void entries(TBSCertList body) throws Refused {
        Enumeration<?> all = body.getRevokedCertificateEnumeration();
        Set<BigInteger> seen = new HashSet<>();
        List<String> lines = new ArrayList<>();
        while (all.hasMoreElements()) {
            TBSCertList.CRLEntry entry = (TBSCertList.CRLEntry) all.nextElement();
            BigInteger serial = entry.getUserCertificate().getValue();
            if (!seen.add(serial)) {
                throw new Refused("serial " + hex(serial) + " is listed twice");
            }
            if (lines.size() < LISTED) {
                lines.add(hex(serial) + " " + reason(entry) + " " + entry.getRevocationDate().getDate().toInstant());
            }
        }
        if (seen.isEmpty() && listPresent(body)) {
            throw new Refused("an empty revokedCertificates list (RFC 5280 5.1.2.6: it must be absent)");
        }
        fact("entries", seen.size());
        for (String line : seen.size() <= LISTED ? lines : List.<String>of()) {
            fact("revoked", line);
        }
    }

    /** Whether revokedCertificates stands in the body: the only SEQUENCE after the times. */
    private static boolean listPresent(TBSCertList body) {
        org.bouncycastle.asn1.ASN1Sequence fields = (org.bouncycastle.asn1.ASN1Sequence) body.toASN1Primitive();
        // version, signature and issuer are followed by one or two times, then perhaps the list.
        for (int i = 4; i < fields.size(); i++) {
            if (fields.getObjectAt(i) instanceof org.bouncycastle.asn1.ASN1Sequence) {
                return true;
            }
        }
        return false;
    }

    private static String reason(TBSCertList.CRLEntry entry) {
        Extensions extensions = entry.getExtensions();
        if (extensions == null || extensions.getExtension(Extension.reasonCode) == null) {
            return "unspecified";
        }
        String text = CRLReason.getInstance(extensions.getExtensionParsedValue(Extension.reasonCode)).toString();
        return text.substring(text.indexOf(':') + 1).trim();
    }

    // ---- signatures ----

    private static void verify(X509Certificate certificate, PublicKey key, String what) throws Refused {
        try {
            certificate.verify(key, "BC");
        } catch (Exception e) {
            throw new Refused(what + ": " + causes(e));
        }
    }

    /** Verifies without X509CRL, whose entry table is heavy for a list of a million. */
    private static void verifyList(CertificateList list, PublicKey key) throws Exception {
        java.security.Signature signature;
        try {
            signature = java.security.Signature.getInstance(list.getSignatureAlgorithm().getAlgorithm().getId(), "BC");
            signature.initVerify(key);
            signature.update(list.getTBSCertList().getEncoded(ASN1Encoding.DER));
            if (!signature.verify(list.getSignature().getOctets())) {
                throw new Refused("the CRL's signature does not verify under the issuer");
            }
        } catch (SignatureException | java.security.InvalidKeyException | java.security.NoSuchAlgorithmException e) {
            throw new Refused("the CRL's signature does not verify under the issuer: " + causes(e));
        }
    }

    // ---- reading ----

    private static List<X509Certificate> certificates(String file) throws Exception {
        List<X509Certificate> certificates = new ArrayList<>();
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        for (byte[] der : blocks(file, "CERTIFICATE")) {
            try {
                X509Certificate certificate =
                        (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der));
                if (certificate == null) {
                    throw new Refused(file + ": no certificate");
                }
                certificate.getPublicKey();
                certificates.add(certificate);
            } catch (java.security.cert.CertificateException | RuntimeException e) {
                throw new Refused(file + ": no certificate: " + causes(e));
            }
        }
        return certificates;
    }

    private static X509CRL listObject(String file) throws Exception {
        byte[] der = blocks(file, "X509 CRL").get(0);
        try {
            return (X509CRL) CertificateFactory.getInstance("X.509", "BC").generateCRL(new ByteArrayInputStream(der));
        } catch (java.security.cert.CRLException | RuntimeException e) {
            throw new Refused(file + ": no CRL: " + causes(e));
        }
    }

    private static X509Certificate one(List<X509Certificate> certificates, String file) throws Refused {
        if (certificates.size() != 1) {
            throw new Refused(file + ": " + certificates.size() + " certificates where one is expected");
        }
        return certificates.get(0);
    }

    /** The one object of a file; refused unless its encoding is DER to the last octet. */
    private static byte[] distinguished(String file, String label) throws Exception {
        byte[] bytes = blocks(file, label).get(0);
        byte[] again;
        try {
            again = ASN1Primitive.fromByteArray(bytes).getEncoded(ASN1Encoding.DER);
        } catch (IOException | RuntimeException e) {
            throw new Refused(file + ": cannot be read: " + e.getMessage());
        }
        if (!Arrays.equals(bytes, again)) {
            throw new Refused(file + ": not DER, or octets after the end");
        }
        return bytes;
    }

    /** Every PEM block with this label, or the whole file as one DER object. */
    private static List<byte[]> blocks(String file, String label) throws Exception {
        Path path = Path.of(file);
        if (!Files.isRegularFile(path)) {
            throw new Usage("no file '" + file + "'");
        }
        byte[] bytes = Files.readAllBytes(path);
        if (bytes.length > 0 && bytes[0] == 0x30) {
            return Collections.singletonList(bytes);
        }
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        Matcher matcher = Pattern.compile("-----BEGIN " + label + "-----([A-Za-z0-9+/=\\s]*)-----END " + label + "-----")
                .matcher(text);
        List<byte[]> blocks = new ArrayList<>();
        while (matcher.find()) {
            try {
                blocks.add(Base64.getMimeDecoder().decode(matcher.group(1)));
            } catch (IllegalArgumentException e) {
                throw new Refused(file + ": " + e.getMessage());
            }
        }
        if (blocks.isEmpty()) {
            throw new Refused(file + ": neither DER nor a PEM block " + label);
        }
        return blocks;
    }

    // ---- printing ----

    private static void fact(String name, Object value) {
        System.out.println(name + ": " + value);
    }

    private static void key(SubjectPublicKeyInfo info, PublicKey key) {
        fact("key", oid(info.getAlgorithm().getAlgorithm()) + " " + keyAlgorithm(key));
        fact("key parameters", info.getAlgorithm().getParameters());
    }

    private static String keyAlgorithm(PublicKey key) {
        return key.getAlgorithm();
    }

    private static void extensions(Extensions extensions) {
        if (extensions == null) {
            return;
        }
        for (ASN1ObjectIdentifier oid : extensions.getExtensionOIDs()) {
            Extension extension = extensions.getExtension(oid);
            fact("extension", oid + (extension.isCritical() ? " critical " : " ")
                    + Hex.toHexString(extension.getExtnValue().getOctets()));
        }
    }

    private static String oid(ASN1ObjectIdentifier oid) {
        return oid.getId();
    }

    /** Upper case, two digits an octet, as openssl and the suite print serials. */
    private static String hex(BigInteger serial) {
        String text = serial.toString(16).toUpperCase();
        return text.length() % 2 == 0 ? text : "0" + text;
    }
}
