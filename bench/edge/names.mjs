// The names of the candidates in the measurement, the goals and the tables. Candidates "with all duties" do everything
// that the edge does; the others do as little as possible.
export const DIRECT = "ours, direct";
export const WEBCRYPTO = "JS with WebCrypto";
export const DIRECT_DUTIES = "JS, direct, with all duties";
export const PASS_THROUGH = "JS, no verification";
export const ACCEPTING = "ours, durable";
export const JS_DURABLE = "JS with WebCrypto + Durable Object";
export const DURABLE_DUTIES = "JS, durable, with all duties";
export const DELIVERING = "ours, to 1 destination";
export const DELIVERING_TO_4 = "ours, to 4 destinations";

// The questions to growing inboxes.
export const LIST_NEWEST = "list, the newest";
export const LIST_DELIVERED = "list, delivered";
export const LIST_DEAD = "list, dead";
export const LIST_PENDING = "list, pending";
export const LIST_NAME = "list, by name and time";
export const LIST_NO_NAME = "list, by an unknown name";
export const LIST_UNTIL = "list, by the end of a period";
export const LISTS = [LIST_NEWEST, LIST_DELIVERED, LIST_DEAD, LIST_PENDING, LIST_NAME, LIST_NO_NAME, LIST_UNTIL];
export const SHOW = "show one by its ID";
export const FIRST_STATUS = "status, the first after a start";
export const STATUS = "status";
export const METRICS = "metrics";
export const EVENT = "event, until its destination has it";

// The cases that are billed.
export const ONE_EVENT = "an event alone, until it is forgotten";
export const FOUR_DESTINATIONS = "the same, to four destinations";
export const BURST = "an event of a burst, until it is delivered";
export const DUPLICATE = "a duplicate";
export const IDLE = "a cron tick with nothing to do";
