package io.everlog.client;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/** Says at the end what was tested: {@code mvn -q} keeps Surefire's own words back. */
public final class ClosingLine implements TestExecutionListener {
    private final AtomicInteger passed = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();
    private final AtomicInteger skipped = new AtomicInteger();

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        AtomicInteger count = switch (result.getStatus()) {
            case SUCCESSFUL -> passed;
            case FAILED -> failed;
            case ABORTED -> skipped;
        };
        // A container that fails has tests that were not even tried.
        if (test.isTest() || count == failed) {
            count.incrementAndGet();
        }
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        skipped.incrementAndGet();
    }

    @Override
    public void testPlanExecutionFinished(TestPlan plan) {
        System.out.println("java: " + passed + " passed, " + failed + " failed, " + skipped + " skipped");
    }
}
