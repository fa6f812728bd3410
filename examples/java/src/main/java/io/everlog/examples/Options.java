package io.everlog.examples;

import io.everlog.client.Everlog;
import io.everlog.client.EverlogClient;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What the command line says ({@code --name value}), and the client that the environment names. */
final class Options {
    private final Map<String, String> values = new HashMap<>();

    Options(String[] arguments, String... names) {
        for (int i = 0; i < arguments.length; i += 2) {
            String name = arguments[i].replaceFirst("^--", "");
            if (!Set.of(names).contains(name) || i + 1 == arguments.length) {
                System.err.println("options: --" + String.join(" …, --", names) + " …");
                System.exit(2);
            }
            values.put(name, arguments[i + 1]);
        }
    }

    Optional<String> text(String name) {
        return Optional.ofNullable(values.get(name));
    }

    Optional<Integer> number(String name) {
        return text(name).map(Integer::valueOf);
    }

    /** A client of the server at {@code EVERLOG_URL}; whoever connects closes it. */
    static EverlogClient connect() {
        return Everlog.builder(System.getenv().getOrDefault("EVERLOG_URL", Everlog.DEFAULT_URL))
                .tenant(System.getenv().getOrDefault("EVERLOG_TENANT", "default"))
                .connect();
    }
}
