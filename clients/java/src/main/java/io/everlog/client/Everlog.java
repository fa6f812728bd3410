package io.everlog.client;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Where a client begins: {@code Everlog.connect("everlog://host:port")}. */
public final class Everlog {
    /** Where a server listens unless it is told otherwise: on this machine. */
    public static final String DEFAULT_URL = "everlog://127.0.0.1:" + Address.DEFAULT_PORT;

    private Everlog() {}

    /**
     * Makes a client; nothing is connected before the first call.
     *
     * @param url {@code everlog://host:port}, {@code everlogs://…} for TLS, or {@code host:port}; the
     *     port is 7420 when absent
     * @throws IllegalArgumentException when the URL can't be understood
     */
    public static EverlogClient connect(String url) {
        return builder(url).connect();
    }

    /**
     * Makes a client of what the environment says: {@code EVERLOG_URL} (else {@link #DEFAULT_URL}),
     * {@code EVERLOG_TENANT}, {@code EVERLOG_TOKEN}, and, for TLS, the authorities in the PEM file that
     * {@code EVERLOG_CA} names.
     *
     * @throws IllegalArgumentException when that can't be understood or read
     */
    public static EverlogClient connect() {
        return builder().connect();
    }

    /** Begins a client with options; see {@link #connect(String)} for the URL. */
    public static Builder builder(String url) {
        return new Builder(Address.parse(url));
    }

    /** Begins a client with options, at {@code EVERLOG_URL} of the environment, or else {@link #DEFAULT_URL}. */
    public static Builder builder() {
        String url = environment("EVERLOG_URL");
        return builder(url == null ? DEFAULT_URL : url);
    }

    /** What the environment says, or null; an empty text says nothing. */
    private static String environment(String name) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? null : value;
    }

    /** The options of a client. */
    public static final class Builder {
        private static final int MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

        private final Address address;
        private String tenant;
        private String token;
        private byte[] rootCertificates;
        private byte[] clientCertificate;
        private byte[] clientKey;
        private Duration timeout = Duration.ofSeconds(30);
        private Duration connectTimeout = Duration.ofSeconds(5);
        private Duration keepAlive = Duration.ofSeconds(30);
        private Backoff backoff = Backoff.DEFAULT;
        private JsonCodec json = new GsonCodec();
        private boolean makeIdempotencyKeys;

        private Builder(Address address) {
            this.address = address;
        }

        /**
         * The tenant whose log it is. Printable ASCII. When not said: {@code EVERLOG_TENANT} of the environment;
         * else, and when empty, the first of those that the token or the certificate is good for, or
         * {@code default} where the server asks for neither.
         */
        public Builder tenant(String tenant) {
            this.tenant = Texts.requirePrintableAscii("tenant", tenant);
            return this;
        }

        /**
         * What every call is authorised with ({@code authorization: Bearer …}). Printable ASCII. When not
         * said: {@code EVERLOG_TOKEN} of the environment; when empty, nothing.
         */
        public Builder token(String token) {
            this.token = Texts.requirePrintableAscii("token", token);
            return this;
        }

        /**
         * The authorities to trust, as PEM; when not said, those of the file that {@code EVERLOG_CA} of the
         * environment names, or of the Java runtime.
         */
        public Builder rootCertificates(byte[] pem) {
            this.rootCertificates = pem.clone();
            return this;
        }

        /** Who this client is, as PEM: its certificate chain, and the key in PKCS #8. */
        public Builder clientCertificate(byte[] chainPem, byte[] keyPem) {
            this.clientCertificate = chainPem.clone();
            this.clientKey = keyPem.clone();
            return this;
        }

        /** Bounds each emit and each unary read, retries included; 30 s when not said. */
        public Builder timeout(Duration timeout) {
            this.timeout = Objects.requireNonNull(timeout, "timeout");
            return this;
        }

        /** Nothing but an emit's own timeout bounds a call. */
        public Builder withoutTimeout() {
            this.timeout = null;
            return this;
        }

        /**
         * Bounds how long an emit or a unary read waits for the first connection, when its own timeout
         * is longer; 5 s when not said. It fails with {@link ConnectionLostException} then. A client that
         * has been connected waits for a server that is away as long as the timeout allows.
         */
        public Builder connectTimeout(Duration timeout) {
            if (timeout.isNegative() || timeout.isZero()) {
                throw new IllegalArgumentException("connectTimeout is " + timeout + ", expected more than 0");
            }
            this.connectTimeout = timeout;
            return this;
        }

        /** How long a connection with calls may be silent before it is pinged; 30 s when not said. */
        public Builder keepAlive(Duration silence) {
            this.keepAlive = Objects.requireNonNull(silence, "silence");
            return this;
        }

        /** How to wait between retries. */
        public Builder backoff(Backoff backoff) {
            this.backoff = Objects.requireNonNull(backoff, "backoff");
            return this;
        }

        /** Nothing is retried or resumed. */
        public Builder withoutRetries() {
            this.backoff = null;
            return this;
        }

        /**
         * Gives each event that has no idempotency key a random one, so that every emit may be sent
         * again after an interruption. It costs the log an index entry for each.
         */
        public Builder makeIdempotencyKeys() {
            this.makeIdempotencyKeys = true;
            return this;
        }

        /** Writes and reads payloads in place of the client's own codec. */
        public Builder json(JsonCodec json) {
            this.json = Objects.requireNonNull(json, "json");
            return this;
        }

        /**
         * Makes the client; nothing is connected before the first call.
         *
         * @throws IllegalArgumentException when a certificate or key can't be read, or is given for a
         *     connection without TLS
         */
        public EverlogClient connect() {
            if (tenant == null) {
                tenant = Texts.requirePrintableAscii("tenant", orEmpty(environment("EVERLOG_TENANT")));
            }
            if (token == null) {
                token = Texts.requirePrintableAscii("token", orEmpty(environment("EVERLOG_TOKEN")));
            }
            if (rootCertificates == null && address.tls()) {
                rootCertificates = authoritiesOfEnvironment();
            }
            ManagedChannelBuilder<?> channel = Grpc.newChannelBuilderForAddress(
                            address.host(), address.port(), credentials())
                    // Batches are at most 1 MiB, except for one larger event: the server may allow
                    // larger ones than gRPC's default of 4 MiB would let in.
                    .maxInboundMessageSize(MESSAGE_BYTES_MAX)
                    // A peer that vanished without a word (power, NAT) is noticed also when a stream is
                    // silent. Servers answer more frequent pings than they allow with GOAWAY.
                    .keepAliveTime(keepAlive.toNanos(), TimeUnit.NANOSECONDS)
                    .keepAliveTimeout(10, TimeUnit.SECONDS)
                    // The client decides about retries itself: it knows which emits may be repeated.
                    .disableRetry();
            return new EverlogClient(
                    channel,
                    address,
                    headers(),
                    timeout,
                    connectTimeout,
                    backoff,
                    json,
                    makeIdempotencyKeys);
        }

        private static String orEmpty(String value) {
            return value == null ? "" : value;
        }

        private static byte[] authoritiesOfEnvironment() {
            String path = environment("EVERLOG_CA");
            try {
                return path == null ? null : Files.readAllBytes(Path.of(path));
            } catch (IOException unreadable) {
                throw new IllegalArgumentException("EVERLOG_CA: " + path + " can't be read", unreadable);
            }
        }

        private ChannelCredentials credentials() {
            if (!address.tls()) {
                if (rootCertificates != null || clientCertificate != null) {
                    throw new IllegalArgumentException(
                            "certificates for " + address + ": TLS is spoken with everlogs://");
                }
                return InsecureChannelCredentials.create();
            }
            TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
            try {
                if (rootCertificates != null) {
                    tls.trustManager(new ByteArrayInputStream(rootCertificates));
                }
                if (clientCertificate != null) {
                    tls.keyManager(
                            new ByteArrayInputStream(clientCertificate), new ByteArrayInputStream(clientKey));
                }
                return tls.build();
            } catch (IOException unreadable) {
                throw new IllegalArgumentException("a certificate or key can't be read", unreadable);
            }
        }

        private Metadata headers() {
            Metadata headers = new Metadata();
            if (!tenant.isEmpty()) {
                headers.put(Metadata.Key.of("everlog-tenant", Metadata.ASCII_STRING_MARSHALLER), tenant);
            }
            if (!token.isEmpty()) {
                headers.put(
                        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
            }
            return headers;
        }
    }
}
