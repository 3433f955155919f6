//! The two ways to wake the inbox: its alarm, which JavaScript sets, and the notifier of a running
//! alarm.

use std::cell::{Cell, RefCell};
use std::task::{Context, Waker};

use js_sys::Object;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::ids::RowId;
use crate::js::float;

#[wasm_bindgen]
extern "C" {
    /// The JavaScript around the inbox: see `worker/index.js`.
    #[wasm_bindgen(extends = Object)]
    #[derive(Clone)]
    pub type Guard;

    /// Reports the row that is being worked on: 0 means none, and a negative number is a row of the
    /// quarantine.
    #[wasm_bindgen(method, js_name = mark)]
    fn mark_row(this: &Guard, row: f64);

    /// Sets the alarm to a time, unless it is set to an earlier time.
    #[wasm_bindgen(method, js_name = armBy)]
    pub(super) fn arm_by(this: &Guard, time: f64);

    /// Sets the alarm to a time, or deletes it.
    #[wasm_bindgen(method)]
    pub(super) fn arm(this: &Guard, time: Option<f64>);

    /// Returns whether no further request may start, because the process is about to end.
    #[wasm_bindgen(method, js_name = isStopping)]
    pub(super) fn is_stopping(this: &Guard) -> bool;
}

impl Guard {
    /// Reports the delivery that is being worked on.
    pub(super) fn mark(&self, delivery: Option<RowId>) {
        self.mark_row(delivery.map_or(0.0, |row| float(row.0)));
    }

    /// Reports the request of the quarantine that is being worked on.
    pub(super) fn mark_kept(&self, request: Option<RowId>) {
        self.mark_row(request.map_or(0.0, |row| -float(row.0)));
    }
}

/// Wakes the running alarm when there is something new to send.
#[derive(Default)]
pub(super) struct Notifier {
    is_notified: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Notifier {
    pub(super) fn notify(&self) {
        self.is_notified.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Returns whether there was a notification since the last call. If not, the next one wakes the
    /// task.
    pub(super) fn was_notified(&self, context: &Context<'_>) -> bool {
        self.waker.replace(Some(context.waker().clone()));
        self.is_notified.replace(false)
    }
}
