// The current time in Unix seconds, by the host's clock.

import { now as wallClock } from "wasi:clocks/wall-clock@0.2.3";

export const now = () => Number(wallClock().seconds);
