// An outside judge of sealed OFD documents: Java's own ZIP and XML, BouncyCastle's ASN.1, SM2 and SM3, and the standards
// (GB/T 33190-2016 chapter 18, GB/T 38540-2020).
//
//     java -cp bcprov.jar:bcutil.jar:bcpkix.jar OfdJudge.java ofd FILE
//
// Judged of every signature: each protected file is there and has its digest, no other file is in the package but the
// list and other signatures, stamps lie on pages of the document; of a seal: the maker's signature over it, the
// signer's over what is to be signed, the signer in the seal's list, the digest and the path of Signature.xml, the seal
// beside the value. Chains are not looked at. The package is read from header to header, not by its directory. Nothing
// of the suite is used here. The exit status is the verdict: 0 accepted, 1 refused, 2 wrong usage, 3 the judge failed.

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.Security;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.bouncycastle.asn1.ASN1BitString;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1IA5String;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

public final class OfdJudge {
    private OfdJudge() {}

    private static final String SPACE = "http://www.ofdspec.org/2016";

    /** What is judged is not acceptable. */
    private static final class Refused extends Exception {
        Refused(String why) {
            super(why);
        }
    }

    private static void hold(boolean holds, String why) throws Refused {
        if (!holds) {
            throw new Refused(why);
        }
    }

    public static void main(String[] words) {
        Security.addProvider(new BouncyCastleProvider());
        if (words.length != 2 || !words[0].equals("ofd")) {
            System.err.println("usage: ofd FILE");
            System.exit(2);
        }
        try {
            judge(unpack(Files.readAllBytes(Path.of(words[1]))));
        } catch (Refused e) {
            System.out.println("refused: " + e.getMessage());
            System.exit(1);
        } catch (Throwable e) {
            e.printStackTrace();
            System.exit(3);
        }
        System.out.println("accepted");
    }

    private static Map<String, byte[]> unpack(byte[] file) throws IOException, Refused {
        Map<String, byte[]> parts = new LinkedHashMap<>();
        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(file), StandardCharsets.UTF_8)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                if (!entry.isDirectory()) {
                    hold(parts.put("/" + entry.getName(), zip.readAllBytes()) == null, "two files " + entry.getName());
                }
            }
        }
        return parts;
    }

    private static Element xml(Map<String, byte[]> parts, String path, String root) throws Exception {
        byte[] octets = parts.get(path);
        hold(octets != null, path + " is not there");
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        Document document = factory.newDocumentBuilder().parse(new ByteArrayInputStream(octets));
        Element element = document.getDocumentElement();
        hold(root.equals(element.getLocalName()) && SPACE.equals(element.getNamespaceURI()), path + " is no " + root);
        return element;
    }

    private static List<Element> all(Element under, String name) {
        NodeList nodes = under.getElementsByTagNameNS(SPACE, name);
        List<Element> found = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            found.add((Element) nodes.item(i));
        }
        return found;
    }

    private static String text(Element under, String name) throws Refused {
        List<Element> found = all(under, name);
        hold(found.size() == 1, found.size() + " elements " + name);
        return found.get(0).getTextContent().trim();
    }

    private static String absolute(String holder, String path) {
        Path base = path.startsWith("/") ? Path.of("/") : Path.of(holder).getParent();
        return base.resolve(path).normalize().toString();
    }

    private static void judge(Map<String, byte[]> parts) throws Exception {
        Element root = xml(parts, "/OFD.xml", "OFD");
        String document = absolute("/OFD.xml", text(root, "DocRoot"));
        String list = absolute("/OFD.xml", text(root, "Signatures"));
        Set<String> pages = new HashSet<>();
        for (Element page : all(xml(parts, document, "Document"), "Page")) {
            pages.add(page.getAttribute("ID"));
            String content = absolute(document, page.getAttribute("BaseLoc"));
            hold(parts.containsKey(content), content + " is not there");
        }
        List<String> files = new ArrayList<>();
        Set<String> ids = new HashSet<>();
        Element lines = xml(parts, list, "Signatures");
        for (Element line : all(lines, "Signature")) {
            hold(ids.add(line.getAttribute("ID")), "two signatures " + line.getAttribute("ID"));
            files.add(absolute(list, line.getAttribute("BaseLoc")));
        }
        System.out.println("pages: " + pages.size());
        System.out.println("signatures: " + files.size());
        for (String file : files) {
            signature(parts, list, files, file, pages, ids);
        }
        hold(ids.contains(text(lines, "MaxSignId")), "MaxSignId is not in use");
    }

    private static void signature(
            Map<String, byte[]> parts, String list, List<String> files, String file, Set<String> pages, Set<String> ids)
            throws Exception {
        Element signature = xml(parts, file, "Signature");
        Element references = all(signature, "References").get(0);
        String method = references.getAttribute("CheckMethod");
        hold(method.equals("SM3") || method.equals(GMObjectIdentifiers.sm3.getId()), "digests by " + method);
        Set<String> open = new HashSet<>(parts.keySet());
        for (Element reference : all(references, "Reference")) {
            String path = absolute(file, reference.getAttribute("FileRef"));
            byte[] octets = parts.get(path);
            hold(octets != null, "protected and not there: " + path);
            byte[] digest = Base64.getDecoder().decode(text(reference, "CheckValue"));
            hold(Arrays.equals(digest, sm3(octets)), "changed: " + path);
            open.remove(path);
        }
        open.remove(list);
        for (String other : files) {
            String folder = other.substring(0, other.lastIndexOf('/') + 1);
            open.removeIf(path -> path.startsWith(folder));
        }
        hold(open.isEmpty(), "not protected: " + open);
        int stamps = 0;
        for (Element stamp : all(signature, "StampAnnot")) {
            hold(pages.contains(stamp.getAttribute("PageRef")), "a stamp on no page");
            hold(stamp.getAttribute("Boundary").split(" ").length == 4, "a stamp without a place");
            hold(ids.add(stamp.getAttribute("ID")), "two things " + stamp.getAttribute("ID"));
            stamps++;
        }
        byte[] value = parts.get(absolute(file, text(signature, "SignedValue")));
        hold(value != null, "no value");
        List<Element> seals = all(signature, "Seal");
        byte[] beside = seals.isEmpty() ? null : parts.get(absolute(file, text(seals.get(0), "BaseLoc")));
        ses(value, parts.get(file), file, beside);
        System.out.println("stamps: " + stamps);
    }

    private static ASN1Sequence sequence(ASN1Encodable value) {
        return ASN1Sequence.getInstance(value);
    }

    private static void ses(byte[] value, byte[] original, String path, byte[] beside) throws Exception {
        ASN1Sequence signature = sequence(ASN1Primitive.fromByteArray(value));
        hold(signature.size() == 4 || signature.size() == 5, "no SES_Signature of 2020");
        ASN1Sequence tbs = sequence(signature.getObjectAt(0));
        ASN1Sequence seal = sequence(tbs.getObjectAt(1));
        byte[] signer = ASN1OctetString.getInstance(signature.getObjectAt(1)).getOctets();
        hold(oid(signature.getObjectAt(2)), "the signature is not by SM2 and SM3");
        verify(signer, tbs.getEncoded(ASN1Encoding.DER), bits(signature.getObjectAt(3)), "the signature");
        hold(Arrays.equals(bits(tbs.getObjectAt(3)), sm3(original)), "the digest is not that of Signature.xml");
        hold(ASN1IA5String.getInstance(tbs.getObjectAt(4)).getString().equals(path), "signed for another path");
        hold(beside == null || Arrays.equals(beside, seal.getEncoded(ASN1Encoding.DER)), "another seal lies beside");
        hold(seal.size() == 4 || seal.size() == 5, "no SESeal of 2020");
        ASN1Sequence info = sequence(seal.getObjectAt(0));
        hold(oid(seal.getObjectAt(2)), "the seal is not signed by SM2 and SM3");
        byte[] maker = ASN1OctetString.getInstance(seal.getObjectAt(1)).getOctets();
        verify(maker, info.getEncoded(ASN1Encoding.DER), bits(seal.getObjectAt(3)), "the seal");
        ASN1Sequence property = sequence(info.getObjectAt(2));
        boolean digests = ASN1Integer.getInstance(property.getObjectAt(2)).intValueExact() == 2;
        boolean listed = false;
        for (ASN1Encodable holder : sequence(property.getObjectAt(3))) {
            byte[] known = digests
                    ? ASN1OctetString.getInstance(sequence(holder).getObjectAt(1)).getOctets()
                    : ASN1OctetString.getInstance(holder).getOctets();
            listed |= Arrays.equals(known, digests ? sm3(signer) : signer);
        }
        hold(listed, "the signer is not in the seal's list");
        ASN1Sequence picture = sequence(info.getObjectAt(3));
        System.out.println("picture: " + ASN1IA5String.getInstance(picture.getObjectAt(0)).getString() + " "
                + ASN1Integer.getInstance(picture.getObjectAt(2)) + " x "
                + ASN1Integer.getInstance(picture.getObjectAt(3)));
    }

    private static boolean oid(ASN1Encodable value) {
        return ASN1ObjectIdentifier.getInstance(value).equals(GMObjectIdentifiers.sm2sign_with_sm3);
    }

    private static byte[] bits(ASN1Encodable value) {
        return ASN1BitString.getInstance(value).getOctets();
    }

    private static byte[] sm3(byte[] octets) throws Exception {
        return MessageDigest.getInstance("SM3", "BC").digest(octets);
    }

    private static void verify(byte[] certificate, byte[] message, byte[] value, String what) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        X509Certificate read = (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(certificate));
        // BouncyCastle's default identity is the one of GM/T 0009, 1234567812345678.
        Signature verifier = Signature.getInstance("SM3WITHSM2", "BC");
        verifier.initVerify(read.getPublicKey());
        verifier.update(message);
        hold(verifier.verify(value), what + " does not verify");
    }
}
