// An outside judge of seals on PDF documents: BouncyCastle's ASN.1, SM2 and SM3, and the standard.
//
//     java -cp bcprov.jar:bcutil.jar:bcpkix.jar SealJudge.java ses VALUE SIGNED
//     java -cp bcprov.jar:bcutil.jar:bcpkix.jar SealJudge.java cms VALUE SIGNED
//
// VALUE is what the document holds in /Contents, SIGNED the octets of its /ByteRange. `ses`: a seal signature of GB/T
// 38540-2020: the maker's signature over the seal, the signer's over what is to be signed, the signer in the seal's
// list, the digest. `cms`: SignedData over SIGNED. Chains are not looked at. Nothing of the suite is used here. The
// exit status is the verdict: 0 accepted, 1 refused, 2 wrong usage, 3 the judge itself failed.

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.util.Arrays;
import java.util.Collection;
import org.bouncycastle.asn1.ASN1BitString;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1IA5String;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSException;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jcajce.spec.SM2ParameterSpec;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.util.Strings;

public final class SealJudge {
    private SealJudge() {}

    /** What is judged is not acceptable. */
    private static final class Refused extends Exception {
        Refused(String why) {
            super(why);
        }
    }

    public static void main(String[] words) {
        Security.addProvider(new BouncyCastleProvider());
        if (words.length != 3 || !(words[0].equals("ses") || words[0].equals("cms"))) {
            System.err.println("usage: ses|cms VALUE SIGNED");
            System.exit(2);
        }
        try {
            byte[] value = Files.readAllBytes(Path.of(words[1]));
            byte[] signed = Files.readAllBytes(Path.of(words[2]));
            if (words[0].equals("ses")) {
                ses(value, signed);
            } else {
                cms(value, signed);
            }
        } catch (Refused e) {
            System.out.println("refused: " + e.getMessage());
            System.exit(1);
        } catch (CMSException | IllegalArgumentException | ClassCastException | java.io.IOException e) {
            System.out.println("refused: " + e);
            System.exit(1);
        } catch (Throwable e) {
            e.printStackTrace();
            System.exit(3);
        }
        System.out.println("accepted");
    }

    /**
     * SES_Signature ::= SEQUENCE { toSign TBS_Sign, cert OCTET STRING, signatureAlgID OBJECT IDENTIFIER,
     *     signature BIT STRING, timeStamp [0] BIT STRING OPTIONAL }
     * TBS_Sign ::= SEQUENCE { version INTEGER, eseal SESeal, timeInfo GeneralizedTime, dataHash BIT STRING,
     *     propertyInfo IA5String, extDatas [0] OPTIONAL }
     * SESeal ::= SEQUENCE { eSealInfo, cert OCTET STRING, signAlgID OBJECT IDENTIFIER, signedValue BIT STRING }
     */
    private static void ses(byte[] value, byte[] signed) throws Exception {
        ASN1Sequence all = ASN1Sequence.getInstance(ASN1Primitive.fromByteArray(value));
        if (all.size() != 4 && all.size() != 5) {
            throw new Refused("the signature has " + all.size() + " parts");
        }
        ASN1Sequence tbs = ASN1Sequence.getInstance(all.getObjectAt(0));
        if (ASN1Integer.getInstance(tbs.getObjectAt(0)).intValueExact() != 4) {
            throw new Refused("its version is " + tbs.getObjectAt(0));
        }
        ASN1Sequence seal = ASN1Sequence.getInstance(tbs.getObjectAt(1));
        if (seal.size() != 4) {
            throw new Refused("the seal has " + seal.size() + " parts");
        }
        byte[] hash = ASN1BitString.getInstance(tbs.getObjectAt(3)).getOctets();
        if (!Arrays.equals(hash, MessageDigest.getInstance("SM3", "BC").digest(signed))) {
            throw new Refused("the digest is not that of the document");
        }
        byte[] signer = ASN1OctetString.getInstance(all.getObjectAt(1)).getOctets();
        verify("the signature", signer, all, 0, 2, 3);
        verify("the seal", ASN1OctetString.getInstance(seal.getObjectAt(1)).getOctets(), seal, 0, 2, 3);
        // eSealInfo: header, esID, property { type, name, certListType, certList, … }, picture.
        ASN1Sequence info = ASN1Sequence.getInstance(seal.getObjectAt(0));
        ASN1Sequence property = ASN1Sequence.getInstance(info.getObjectAt(2));
        ASN1Sequence list = ASN1Sequence.getInstance(property.getObjectAt(3));
        boolean whole = ASN1Integer.getInstance(property.getObjectAt(2)).intValueExact() == 1;
        boolean listed = false;
        for (int i = 0; i < list.size(); i++) {
            byte[] entry = whole
                ? ASN1OctetString.getInstance(list.getObjectAt(i)).getOctets()
                : ASN1OctetString.getInstance(ASN1Sequence.getInstance(list.getObjectAt(i)).getObjectAt(1)).getOctets();
            byte[] wanted = whole ? signer : MessageDigest.getInstance("SM3", "BC").digest(signer);
            listed |= Arrays.equals(entry, wanted);
        }
        if (!listed) {
            throw new Refused("the signer is not in the seal's list");
        }
        System.out.println("seal: " + ASN1IA5String.getInstance(info.getObjectAt(1)).getString());
        System.out.println("time: " + tbs.getObjectAt(2));
        System.out.println("stamped: " + (all.size() == 5));
    }

    /** That part {@code of} is signed by the holder of the certificate, SM2 with SM3 and the usual identity. */
    private static void verify(String what, byte[] cert, ASN1Sequence all, int of, int algorithm, int signature)
            throws Exception {
        if (!all.getObjectAt(algorithm).equals(GMObjectIdentifiers.sm2sign_with_sm3)) {
            throw new Refused(what + " is made with " + ASN1ObjectIdentifier.getInstance(all.getObjectAt(algorithm)));
        }
        PublicKey key = new JcaPEMKeyConverter().setProvider("BC")
            .getPublicKey(new X509CertificateHolder(cert).getSubjectPublicKeyInfo());
        Signature sm2 = Signature.getInstance("SM3withSM2", "BC");
        sm2.setParameter(new SM2ParameterSpec(Strings.toByteArray("1234567812345678")));
        sm2.initVerify(key);
        sm2.update(all.getObjectAt(of).toASN1Primitive().getEncoded(ASN1Encoding.DER));
        if (!sm2.verify(ASN1BitString.getInstance(all.getObjectAt(signature)).getOctets())) {
            throw new Refused(what + " does not verify");
        }
    }

    private static void cms(byte[] value, byte[] signed) throws Exception {
        CMSSignedData message = new CMSSignedData(new CMSProcessableByteArray(signed), value);
        Collection<SignerInformation> signers = message.getSignerInfos().getSigners();
        if (signers.size() != 1) {
            throw new Refused(signers.size() + " signers");
        }
        for (SignerInformation signer : signers) {
            @SuppressWarnings("unchecked")
            Collection<X509CertificateHolder> certs = message.getCertificates().getMatches(signer.getSID());
            if (certs.size() != 1) {
                throw new Refused(certs.size() + " certificates of the signer");
            }
            X509CertificateHolder cert = certs.iterator().next();
            // Digest and signature over the attributes; a CMSException where the digest is another.
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(cert))) {
                throw new Refused("the signature does not verify");
            }
            System.out.println("signer: " + cert.getSubject());
            System.out.println("digest: " + signer.getDigestAlgOID());
            System.out.println("signature: " + signer.getEncryptionAlgOID());
            System.out.println("content: " + message.getSignedContentTypeOID());
        }
    }
}
