package io.everlog.client;

import java.io.Serializable;

/**
 * An event of the request that the log has, or whose key or id belongs to another one.
 *
 * @param index its index in the request, from 0
 * @param idempotencyKey its key; empty when it is known by its id
 * @param eventId the id of the event that the log has
 */
public record KnownEvent(int index, String idempotencyKey, String eventId) implements Serializable {}
