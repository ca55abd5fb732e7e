package peer;

/** SIGTERM and Ctrl-C: the command is told to stop, and when it has, the exit code is 0 and not 143. */
final class Stop {
  private static volatile boolean asked;
  private static volatile boolean ended;

  private Stop() {}

  static boolean isAsked() {
    return asked;
  }

  /** Calls {@code wake} on a signal; the thread that calls this one is the one to wait for. */
  static void onSignal(Runnable wake) {
    Thread main = Thread.currentThread();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  if (ended) {
                    return;
                  }
                  asked = true;
                  wake.run();
                  try {
                    main.join();
                  } catch (InterruptedException e) {
                    // then at once
                  }
                }));
  }

  /** Ends the program. After a signal the JVM is on its way out already, and only halt changes the exit code. */
  static void exit(int code) {
    System.out.flush();
    if (asked) {
      Runtime.getRuntime().halt(code);
    }
    ended = true;
    System.exit(code);
  }
}
