import { it } from 'vitest';
import { createCounters, DropReason } from '../../src/counters.js';
import { DEFAULT_LIMITS } from '../../src/limits.js';
import { MemoryBudget } from '../../src/memory-budget.js';
import { markNames } from '../../src/pair/exchange.js';
import { ExchangeAssembler } from '../../src/pair/exchange-assembler.js';
import { Conversation } from '../../src/pair/conversation.js';
import { Random } from '../support/random.js';
import { tcpBatch } from '../support/tcp-batch.js';
import { disturb, randomConversation } from './random-conversation.js';
it('dbg', () => {
  const P:any=Conversation.prototype;
  for (const m of ['data','gap','end','onRequest','onResponse','onMessageEnd','onDesync']) { const o=P[m]; P[m]=function(...a:any[]){ const d=typeof a[0]==='number'?a[0]:''; console.log(m, d, m==='data'?JSON.stringify(a[1].toString('latin1',a[2],Math.min(a[3],a[2]+70)))+' len '+(a[3]-a[2]):m==='gap'?a[1]:m==='onRequest'?a[1]:m==='onMessageEnd'?a[1]:''); return o.apply(this,a)}; }
  const random = new Random(Number(process.env.SEED));
  const c = randomConversation(random, 0);
  const rate = random.pick([0.01, 0.05, 0.2]);
  const packets = disturb(random, c).filter((_, i) => i < c.handshake || !random.chance(rate));
  const a = new ExchangeAssembler({limits: DEFAULT_LIMITS, counters:createCounters(), budget:new MemoryBudget(1e9), interfaces:[{id:0,name:'e',linkType:1}], hashSeed:1, hooks:{admit:()=>DropReason.none, complete:(e)=>console.log('   ===>',e.request.target,e.response?.headers.get('x-id'),markNames(e.marks).join('+'))}});
  for (const p of packets.slice(0,0)) console.log(p);
  a.push(tcpBatch(packets, 40000, 0)); console.log('FINISH'); a.finish();
});
