// An outside judge of OCSP: BouncyCastle asks, and says what it makes of the answer.
//
//     java -cp bcprov.jar:bcutil.jar:bcpkix.jar OcspJudge.java ask HASH ISSUER CERT NONCE OUT
//     java -cp bcprov.jar:bcutil.jar:bcpkix.jar OcspJudge.java answer HASH ISSUER CERT NONCE ANSWER
//
// HASH (sha1, sha256 or sm3) names the issuer in the question; NONCE is hexadecimal or '-'. Nothing of the suite
// is used here. The exit status is the verdict: 0 accepted, 1 refused, 2 wrong usage, 3 the judge itself failed.

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import java.util.Date;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.oiw.OIWObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.ocsp.BasicOCSPResp;
import org.bouncycastle.cert.ocsp.CertificateID;
import org.bouncycastle.cert.ocsp.CertificateStatus;
import org.bouncycastle.cert.ocsp.OCSPReqBuilder;
import org.bouncycastle.cert.ocsp.OCSPResp;
import org.bouncycastle.cert.ocsp.RevokedStatus;
import org.bouncycastle.cert.ocsp.RespID;
import org.bouncycastle.cert.ocsp.SingleResp;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentVerifierProvider;
import org.bouncycastle.operator.DigestCalculator;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.util.encoders.Hex;

public final class OcspJudge {
    private OcspJudge() {}

    /** The answer is not acceptable. */
    private static final class Refused extends Exception {
        Refused(String why) {
            super(why);
        }
    }

    public static void main(String[] words) {
        Security.addProvider(new BouncyCastleProvider());
        if (words.length != 6 || !(words[0].equals("ask") || words[0].equals("answer"))) {
            System.err.println("usage: ask|answer HASH ISSUER CERT NONCE FILE");
            System.exit(2);
        }
        try {
            X509CertificateHolder issuer = certificate(words[2]);
            X509CertificateHolder cert = certificate(words[3]);
            CertificateID id = new CertificateID(digest(words[1]), issuer, cert.getSerialNumber());
            byte[] nonce = words[4].equals("-") ? null : Hex.decode(words[4]);
            if (words[0].equals("ask")) {
                ask(id, nonce, words[5]);
            } else {
                answer(id, issuer, nonce, words[5]);
            }
        } catch (Refused e) {
            System.out.println("refused: " + e.getMessage());
            System.exit(1);
        } catch (Throwable e) {
            e.printStackTrace();
            System.exit(3);
        }
        System.out.println("accepted");
    }

    private static void ask(CertificateID id, byte[] nonce, String out) throws Exception {
        OCSPReqBuilder builder = new OCSPReqBuilder();
        builder.addRequest(id);
        if (nonce != null) {
            byte[] value = new DEROctetString(nonce).getEncoded(ASN1Encoding.DER);
            builder.setRequestExtensions(
                    new Extensions(new Extension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce, false, value)));
        }
        Files.write(Path.of(out), builder.build().getEncoded());
    }

    private static void answer(CertificateID id, X509CertificateHolder issuer, byte[] nonce, String file)
            throws Exception {
        byte[] der = Files.readAllBytes(Path.of(file));
        demand(java.util.Arrays.equals(ASN1Primitive.fromByteArray(der).getEncoded(ASN1Encoding.DER), der), "not DER");
        OCSPResp response = new OCSPResp(der);
        System.out.println("response status: " + response.getStatus());
        demand(response.getStatus() == OCSPResp.SUCCESSFUL, "response status " + response.getStatus());
        BasicOCSPResp basic = (BasicOCSPResp) response.getResponseObject();
        demand(basic.getCerts().length == 1, basic.getCerts().length + " certificates, one wanted");
        X509CertificateHolder responder = basic.getCerts()[0];
        check(responder, issuer);
        demand(basic.isSignatureValid(verifier(responder)), "the signature is wrong");
        System.out.println("signature: " + basic.getSignatureAlgOID());
        RespID key = new RespID(responder.getSubjectPublicKeyInfo(), digest("sha1"));
        RespID name = new RespID(responder.getSubject());
        demand(basic.getResponderId().equals(key) || basic.getResponderId().equals(name), "another responderID");
        Extension found = basic.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce);
        byte[] echoed =
                found == null ? null : DEROctetString.getInstance(found.getParsedValue()).getOctets();
        demand(java.util.Arrays.equals(nonce, echoed), "another nonce");
        demand(basic.getResponses().length == 1, basic.getResponses().length + " responses, one wanted");
        SingleResp single = basic.getResponses()[0];
        demand(single.getCertID().equals(id), "about another certificate");
        Date now = new Date();
        demand(!single.getThisUpdate().after(now), "thisUpdate is to come");
        demand(single.getNextUpdate() != null && single.getNextUpdate().after(now), "nextUpdate is over");
        CertificateStatus status = single.getCertStatus();
        if (status == CertificateStatus.GOOD) {
            System.out.println("status: good");
        } else if (status instanceof RevokedStatus) {
            RevokedStatus revoked = (RevokedStatus) status;
            System.out.println("status: revoked");
            System.out.println("reason: " + (revoked.hasRevocationReason() ? revoked.getRevocationReason() : -1));
        } else {
            System.out.println("status: unknown");
        }
    }

    /** RFC 6960 4.2.2.2: issued by the issuer itself, for this purpose; and never asked about. */
    private static void check(X509CertificateHolder responder, X509CertificateHolder issuer) throws Exception {
        demand(responder.getIssuer().equals(issuer.getSubject()), "the responder has another issuer");
        demand(responder.isSignatureValid(verifier(issuer)), "the responder's certificate has a wrong signature");
        demand(responder.isValidOn(new Date()), "the responder's certificate is not valid now");
        ExtendedKeyUsage uses = ExtendedKeyUsage.fromExtensions(responder.getExtensions());
        demand(uses != null && uses.hasKeyPurposeId(KeyPurposeId.id_kp_OCSPSigning), "not for OCSP");
        demand(responder.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nocheck) != null, "without nocheck");
    }

    private static ContentVerifierProvider verifier(X509CertificateHolder certificate) throws Exception {
        return new JcaContentVerifierProviderBuilder().setProvider("BC").build(certificate);
    }

    private static DigestCalculator digest(String name) throws Exception {
        DigestCalculatorProvider all = new JcaDigestCalculatorProviderBuilder().setProvider("BC").build();
        switch (name) {
            case "sha1":
                return all.get(new AlgorithmIdentifier(OIWObjectIdentifiers.idSHA1, DERNull.INSTANCE));
            case "sha256":
                return all.get(new AlgorithmIdentifier(NISTObjectIdentifiers.id_sha256));
            case "sm3":
                return all.get(new AlgorithmIdentifier(GMObjectIdentifiers.sm3));
            default:
                throw new IllegalArgumentException("no hash " + name);
        }
    }

    private static X509CertificateHolder certificate(String file) throws Exception {
        try (PEMParser parser = new PEMParser(Files.newBufferedReader(Path.of(file), StandardCharsets.UTF_8))) {
            return (X509CertificateHolder) parser.readObject();
        }
    }

    private static void demand(boolean good, String otherwise) throws Refused {
        if (!good) {
            throw new Refused(otherwise);
        }
    }
}
