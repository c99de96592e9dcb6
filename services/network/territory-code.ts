import type { Tx } from '#libs/db';
import type { AreaDraft, Land } from './area.ts';
import { hubOf } from './hub.ts';
import { insertBranch, selectBranches } from './store.ts';

/**
 * A new territory with the codes that its courier left to us: the hub of its land, and the first
 * branch of that hub which no territory has or had.
 */
export async function withCodes(tx: Tx, draft: AreaDraft, land: Land): Promise<AreaDraft> {
  if (draft.kind !== 'territory') return draft;
  return await withBranch(tx, { ...draft, hub_code: draft.hub_code || hubOf(land) });
}

/** A changed one: what is left out is as before, and a branch is new only where the hub is. */
export async function withCodesAfter(
  tx: Tx,
  draft: AreaDraft,
  before: AreaDraft,
): Promise<AreaDraft> {
  const kept = withCodesOf(draft, before);
  const { hub_code, branch_code } = before;
  if (kept.hub_code === hub_code && kept.branch_code === branch_code) return kept;
  return await withBranch(tx, kept);
}

/** Codes that are left out are those of `row`; a branch only where the hub is the same. */
export function withCodesOf(draft: AreaDraft, row: AreaDraft): AreaDraft {
  const hub_code = draft.hub_code || row.hub_code;
  const isLeftOut = draft.branch_code === '' && hub_code === row.hub_code;
  return { ...draft, hub_code, branch_code: isLeftOut ? row.branch_code : draft.branch_code };
}

async function withBranch(tx: Tx, draft: AreaDraft): Promise<AreaDraft> {
  if (draft.branch_code !== '') {
    await insertBranch(tx, draft);
    return draft;
  }
  for (;;) {
    const taken = await selectBranches(tx, draft);
    let number = 1;
    while (taken.has(branchOf(number))) number++;
    const branch_code = branchOf(number);
    // Another call may have taken it meanwhile.
    if (await insertBranch(tx, { ...draft, branch_code })) return { ...draft, branch_code };
  }
}

function branchOf(number: number): string {
  return String(number).padStart(3, '0');
}
