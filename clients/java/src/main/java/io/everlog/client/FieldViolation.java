package io.everlog.client;

import java.io.Serializable;

/** One field of a request that was refused, such as {@code events[3].event_type}, and why. */
public record FieldViolation(String field, String description) implements Serializable {}
