// An outside judge of time-stamps: BouncyCastle asks, and says what it makes of the answer.
//
//     java -cp bcprov.jar:bcutil.jar:bcpkix.jar TspJudge.java ask HASH DATA OUT
//     java -cp bcprov.jar:bcutil.jar:bcpkix.jar TspJudge.java answer QUESTION ANSWER ISSUER
//
// HASH is sm3 or sha256. ISSUER (PEM) is the authority that must have certified the signer; whether that leads to a
// root is for the judge of chains. Nothing of the suite is used here. The exit status is the verdict: 0 accepted,
// 1 refused, 2 wrong usage, 3 the judge itself failed.

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.util.Collection;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.SignerInformationVerifier;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.tsp.TSPException;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampRequestGenerator;
import org.bouncycastle.tsp.TimeStampResponse;
import org.bouncycastle.tsp.TimeStampToken;

public final class TspJudge {
    private TspJudge() {}

    /** The answer is not acceptable. */
    private static final class Refused extends Exception {
        Refused(String why) {
            super(why);
        }
    }

    public static void main(String[] words) {
        Security.addProvider(new BouncyCastleProvider());
        if (words.length != 4 || !(words[0].equals("ask") || words[0].equals("answer"))) {
            System.err.println("usage: ask HASH DATA OUT | answer QUESTION ANSWER ISSUER");
            System.exit(2);
        }
        try {
            if (words[0].equals("ask")) {
                ask(words[1], Path.of(words[2]), Path.of(words[3]));
            } else {
                answer(Path.of(words[1]), Path.of(words[2]), Path.of(words[3]));
            }
        } catch (Refused why) {
            System.out.println("refused: " + why.getMessage());
            System.exit(1);
        } catch (Exception why) {
            why.printStackTrace();
            System.exit(3);
        }
    }

    private static void ask(String hash, Path data, Path out) throws Exception {
        boolean sm3 = hash.equals("sm3");
        ASN1ObjectIdentifier oid = sm3 ? GMObjectIdentifiers.sm3 : NISTObjectIdentifiers.id_sha256;
        byte[] digest = MessageDigest.getInstance(sm3 ? "SM3" : "SHA-256", "BC").digest(Files.readAllBytes(data));
        TimeStampRequestGenerator generator = new TimeStampRequestGenerator();
        generator.setCertReq(true);
        Files.write(out, generator.generate(oid, digest, BigInteger.valueOf(System.nanoTime())).getEncoded());
    }

    private static void answer(Path question, Path answer, Path issuerFile) throws Exception {
        TimeStampRequest request = new TimeStampRequest(Files.readAllBytes(question));
        X509CertificateHolder issuer;
        try (PEMParser parser = new PEMParser(Files.newBufferedReader(issuerFile, StandardCharsets.US_ASCII))) {
            issuer = (X509CertificateHolder) parser.readObject();
        }
        try {
            TimeStampResponse response = new TimeStampResponse(Files.readAllBytes(answer));
            response.validate(request);
            TimeStampToken token = response.getTimeStampToken();
            if (token == null) {
                throw new Refused("no token: " + response.getStatusString());
            }
            Collection<X509CertificateHolder> found = token.getCertificates().getMatches(token.getSID());
            if (found.size() != 1) {
                throw new Refused(found.size() + " certificates of the signer");
            }
            X509CertificateHolder signer = found.iterator().next();
            SignerInformationVerifier verifier =
                new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(signer);
            token.validate(verifier);
            if (!signer.isSignatureValid(
                    new JcaContentVerifierProviderBuilder().setProvider("BC").build(issuer))) {
                throw new Refused("the signer's certificate is not the issuer's");
            }
            System.out.println("time: " + token.getTimeStampInfo().getGenTime().toInstant());
            System.out.println("policy: " + token.getTimeStampInfo().getPolicy());
            System.out.println("serial: " + token.getTimeStampInfo().getSerialNumber().toString(16));
            System.out.println("signature: " + signer.getSubjectPublicKeyInfo().getAlgorithm().getAlgorithm());
            System.out.println("digest: " + token.getTimeStampInfo().getMessageImprintAlgOID());
        } catch (TSPException | java.io.IOException | RuntimeException why) {
            throw new Refused(why.toString());
        } catch (org.bouncycastle.cert.CertException why) {
            throw new Refused(why.toString());
        }
    }
}
