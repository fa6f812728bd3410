package io.everlog.client;

import java.util.List;

/** The request is ill-formed: correct it. */
public class InvalidArgumentException extends EverlogException {
    InvalidArgumentException(Failure failure) {
        super(failure);
    }

    /** Each field that was refused, and why. */
    public List<FieldViolation> fieldViolations() {
        return failure().fieldViolations();
    }
}
