package io.everlog.client;

/** No answer came in time; of an emit it is unknown whether it is stored. */
public class DeadlineExceededException extends EverlogException {
    DeadlineExceededException(Failure failure) {
        super(failure);
    }
}
