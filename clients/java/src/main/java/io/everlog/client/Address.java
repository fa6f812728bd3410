package io.everlog.client;

import java.net.URI;
import java.net.URISyntaxException;

/**
 * Where a server listens: {@code everlog://host:port}, taken apart.
 *
 * @param host a name or an IP address, an IPv6 one without brackets
 * @param port 1 to 65,535
 * @param tls whether to speak TLS with it
 */
record Address(String host, int port, boolean tls) {
    static final int DEFAULT_PORT = 7420;

    /**
     * Takes a URL apart: {@code everlog://host:port}, {@code everlogs://…} for TLS, or plain
     * {@code host:port}; the port is 7420 when absent. Anything else is refused, also a path, a query
     * or credentials: a token is given to the builder, where it can't end up in a log by accident.
     */
    static Address parse(String url) {
        URI parts;
        try {
            parts = new URI(url.contains("://") ? url : "everlog://" + url).parseServerAuthority();
        } catch (URISyntaxException unreadable) {
            if (url.contains("@")) {
                throw credentials();
            }
            throw new IllegalArgumentException("'" + url + "' is no address: " + unreadable.getReason());
        }
        if (parts.getUserInfo() != null) {
            throw credentials();
        }
        boolean tls = "everlogs".equals(parts.getScheme());
        if (!tls && !"everlog".equals(parts.getScheme())) {
            throw new IllegalArgumentException("'" + url + "': the scheme is '" + parts.getScheme()
                    + "', expected everlog or everlogs");
        }
        if (parts.getHost() == null) {
            throw new IllegalArgumentException("'" + url + "' names no host");
        }
        boolean more = parts.getQuery() != null || parts.getFragment() != null;
        if (more || !(parts.getPath().isEmpty() || parts.getPath().equals("/"))) {
            throw new IllegalArgumentException("'" + url + "' has more than a host and a port");
        }
        int port = parts.getPort() == -1 ? DEFAULT_PORT : parts.getPort();
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("'" + url + "': the port is " + port + ", expected 1 to 65535");
        }
        String host = parts.getHost();
        return new Address(host.startsWith("[") ? host.substring(1, host.length() - 1) : host, port, tls);
    }

    private static IllegalArgumentException credentials() {
        return new IllegalArgumentException("a URL with credentials: give the token to the builder");
    }

    @Override
    public String toString() {
        return (tls ? "everlogs://" : "everlog://")
                + (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
