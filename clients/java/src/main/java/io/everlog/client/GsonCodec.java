package io.everlog.client;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import java.io.IOException;
import java.lang.reflect.Type;
import java.math.BigInteger;

/** The client's own codec. Integers stay exact: Gson by itself reads every number as a double. */
final class GsonCodec implements JsonCodec {
    private static final int INTEGER_DIGITS_MAX = 400; // the server takes no more than a double's range

    private final Gson gson = new GsonBuilder()
            .disableHtmlEscaping()
            .serializeNulls()
            .setStrictness(Strictness.STRICT)
            .setObjectToNumberStrategy(GsonCodec::readNumber)
            .create();

    @Override
    public String write(Object value) {
        return gson.toJson(value);
    }

    @Override
    public Object read(String json, Type type) {
        return gson.fromJson(json, type);
    }

    private static Number readNumber(JsonReader reader) throws IOException {
        String text = reader.nextString();
        boolean integer = text.chars().allMatch(unit -> unit == '-' || Character.isDigit(unit));
        if (!integer || text.length() > INTEGER_DIGITS_MAX) {
            return Double.valueOf(text);
        }
        try {
            return Long.valueOf(text);
        } catch (NumberFormatException beyond) {
            return new BigInteger(text);
        }
    }
}
