"use strict";
// What a run's candidates and baselines would take elsewhere: the arithmetic of report/whatif.py, in the browser.
// Milliseconds, bytes, Mbit/s and millijoules throughout. `constants` and `options` come from the page's data.

const WhatIf = (() => {
  const SEGMENT_BYTES = 1448; // of the application in a full Ethernet frame with TCP timestamps

  // Expected terms of one payload over the network (profilers/networks/transfer.py).
  function transfer(constants, payloadBytes, scenario) {
    const { uplink_mbps: uplink, rtt_ms: rtt } = scenario;
    const limit = constants.message_bytes;
    const messages = limit ? Math.max(1, Math.ceil(payloadBytes / limit)) : 1;
    const bits = 8 * (payloadBytes + messages * constants.overhead_bytes);
    const sent = (bits / (uplink * 1e3)) * constants.serialise_factor;
    const occupied = messages * constants.overhead_ms;
    const trips = rtt * constants.rtt_factor;
    const again = retransmit(constants, sent + occupied, bits, messages, uplink, rtt);
    const silence = silent(constants, messages, uplink);
    return {
      total: trips + sent + occupied + constants.software_ms + silence + again,
      airtime: (sent + occupied) / (1 - constants.loss),
    };
  }

  function retransmit(constants, once, bits, messages, uplink, rtt) {
    const loss = constants.loss;
    if (loss === 0) return 0;
    if (constants.transport === "tcp") {
      const through = uplink * 1e3 * (1 - loss);
      const kept = ((8 * SEGMENT_BYTES) / rtt) * Math.sqrt(1.5 / loss);
      return bits / Math.min(through, kept) - bits / (uplink * 1e3);
    }
    return (loss / (1 - loss)) * (once / constants.duty_cycle + messages * rtt);
  }

  function silent(constants, messages, uplink) {
    if (constants.message_bytes === null || constants.duty_cycle === 1) return 0;
    const fullBits = 8 * (constants.message_bytes + constants.overhead_bytes);
    const full = fullBits / (uplink * 1e3) + constants.overhead_ms;
    return (messages - 1) * full * (1 / constants.duty_cycle - 1);
  }

  // On the device, and from there to the answer, for an image that takes the full way.
  function terms(constants, option, scenario) {
    const head = option.head_ms / scenario.device_factor;
    const tail = option.tail_ms / scenario.server_factor;
    if (!option.payload_bytes) return { head, waiting: tail, airtime: 0, sends: false };
    // A trace has its own rates: what the run stored stays.
    const sent = constants.is_trace
      ? { total: option.transfer_ms, airtime: 0 }
      : transfer(constants, option.payload_bytes, scenario);
    const load = scenario.server_load;
    const queue = (tail * load) / (2 * (1 - load)); // M/D/1, Pollaczek and Khinchine
    return { head, waiting: sent.total + queue + tail, airtime: sent.airtime, sends: true };
  }

  function latency(constants, option, scenario) {
    const full = terms(constants, option, scenario);
    const early = option.exit_ms / scenario.device_factor;
    return option.exit_rate * early + (1 - option.exit_rate) * (full.head + full.waiting);
  }

  function energy(constants, option, scenario) {
    const full = terms(constants, option, scenario);
    let spent = constants.active_w * full.head + constants.idle_w * full.waiting;
    const radio = constants.radio;
    if (radio && full.sends) {
      spent += radio.transmit_w * full.airtime + radio.receive_w * Math.max(0, full.waiting - full.airtime);
      spent += radio.tail_w * radio.tail_ms;
    }
    const early = (constants.active_w * option.exit_ms) / scenario.device_factor;
    return option.exit_rate * early + (1 - option.exit_rate) * spent;
  }

  // The ways that keep the accuracy; where none does, the most accurate ones.
  function eligible(options, teacherAccuracy, drop) {
    const kept = options.filter((option) => option.accuracy >= teacherAccuracy - drop - 1e-9);
    if (kept.length) return kept;
    const best = Math.max(...options.map((option) => option.accuracy));
    return options.filter((option) => option.accuracy >= best);
  }

  // Ways by cost, the least first.
  function ranking(constants, options, scenario, cost) {
    const costs = options.map((option) => ({ option, cost: cost(constants, option, scenario) }));
    return costs.sort((a, b) => a.cost - b.cost);
  }

  return { latency, energy, eligible, ranking };
})();
