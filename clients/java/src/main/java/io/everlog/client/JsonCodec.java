package io.everlog.client;

import java.lang.reflect.Type;

/**
 * Writes native objects as JSON text, and reads them back.
 *
 * <p>The client's own is Gson; a service that maps its classes with another library hands in that one
 * ({@link Everlog.Builder#json}). An implementation is shared by threads.
 */
public interface JsonCodec {
    /**
     * Writes a value as one JSON value.
     *
     * @throws RuntimeException when the value can't be written
     */
    String write(Object value);

    /**
     * Reads a JSON value; {@code Object} as the type asks for maps, lists, texts, numbers, booleans
     * and null.
     *
     * @throws RuntimeException when the text does not fit the type
     */
    Object read(String json, Type type);
}
