// SIGTERM, SIGINT and SIGUSR1 ask a run to stop at the next step. A further one stops it at once,
// unless it comes in the same second or two: batch systems often send a signal twice.
#pragma once

namespace tl {

void install_stop_signals();
bool stop_requested();

}  // namespace tl
