package io.everlog.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of README.md compile. */
class ReadmeTest {
    private static final String IMPORTS = """
            import io.everlog.client.*;
            import java.nio.file.*;
            import java.time.*;
            import java.util.*;
            import java.util.concurrent.*;
            """;

    @Test
    void everyExampleCompiles(@TempDir Path folder) throws IOException {
        Matcher examples =
                Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(Path.of("README.md")));
        List<JavaFileObject> sources = new ArrayList<>();
        while (examples.find()) {
            sources.add(source("Example" + sources.size(), examples.group(1)));
        }
        assertTrue(sources.size() >= 6, sources.size() + " examples");
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter complaints = new StringWriter();
        List<String> options =
                List.of("-classpath", System.getProperty("java.class.path"), "-d", folder.toString());
        compiler.getTask(complaints, null, null, options, null, sources).call();
        assertEquals("", complaints.toString());
    }

    /** A program as it is; anything less becomes the body of a method that has a client and an event. */
    private static JavaFileObject source(String name, String example) {
        String text = example.contains("class ")
                ? IMPORTS + example.replaceFirst("public final class \\w+", "public final class " + name)
                : IMPORTS + "class " + name + " {\n"
                        + "void run(EverlogClient client, Event event) throws Exception {\n"
                        + example + "}\n}\n";
        return new SimpleJavaFileObject(URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return text;
            }
        };
    }
}
