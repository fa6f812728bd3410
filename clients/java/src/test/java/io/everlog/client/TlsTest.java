package io.everlog.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.everlog.v1.GetHeadResponse;
import io.grpc.TlsServerCredentials;
import io.grpc.TlsServerCredentials.ClientAuth;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code everlogs://}, with a certificate that signs itself and stands for both sides. */
@Timeout(60)
class TlsTest {
    private static byte[] certificate;
    private static byte[] key;

    @BeforeAll
    static void makeCertificate(@TempDir Path folder) throws Exception {
        Path store = folder.resolve("store.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                        "-genkeypair", "-alias", "test", "-keyalg", "EC", "-dname", "CN=localhost",
                        "-ext", "SAN=DNS:localhost,IP:127.0.0.1", "-validity", "2",
                        "-storetype", "PKCS12", "-storepass", "changeit", "-keystore", store.toString())
                .inheritIO()
                .start();
        assertEquals(0, keytool.waitFor());
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream stored = Files.newInputStream(store)) {
            keys.load(stored, "changeit".toCharArray());
        }
        certificate = pem("CERTIFICATE", keys.getCertificate("test").getEncoded());
        key = pem("PRIVATE KEY", keys.getKey("test", "changeit".toCharArray()).getEncoded());
    }

    private static byte[] pem(String kind, byte[] der) {
        String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
        return ("-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n")
                .getBytes(StandardCharsets.US_ASCII);
    }

    private static ScriptedServer server(ClientAuth clientAuth) throws Exception {
        return new ScriptedServer(0, TlsServerCredentials.newBuilder()
                        .keyManager(new ByteArrayInputStream(certificate), new ByteArrayInputStream(key))
                        .trustManager(new ByteArrayInputStream(certificate))
                        .clientAuth(clientAuth)
                        .build())
                .on("GetHead", ScriptedServer.answers(GetHeadResponse.newBuilder().setPosition(7).build()));
    }

    private static Everlog.Builder builder(ScriptedServer server) {
        return Everlog.builder("everlogs://localhost:" + server.port()).timeout(Duration.ofSeconds(2));
    }

    @Test
    void aTrustedServerIsSpokenWith() throws Exception {
        try (ScriptedServer server = server(ClientAuth.NONE);
                EverlogClient client = builder(server).rootCertificates(certificate).connect()) {
            assertEquals(7, client.head().position());
        }
    }

    @Test
    void anUnknownServerIsNot() throws Exception {
        try (ScriptedServer server = server(ClientAuth.NONE);
                EverlogClient client = builder(server).connect()) {
            assertThrows(ConnectionLostException.class, client::head);
        }
    }

    @Test
    void aServerThatAsksWhoIsThereIsTold() throws Exception {
        try (ScriptedServer server = server(ClientAuth.REQUIRE);
                EverlogClient known = builder(server)
                        .rootCertificates(certificate)
                        .clientCertificate(certificate, key)
                        .connect();
                EverlogClient unknown = builder(server).rootCertificates(certificate).connect()) {
            assertEquals(7, known.head().position());
            assertThrows(ConnectionLostException.class, unknown::head);
        }
    }
}
