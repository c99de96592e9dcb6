import type { Tx } from '#libs/db';
import { explained } from './constraint.ts';

/**
 * Notes that a territory has this branch; false if one had it before. Waits for others that are
 * about to note the same. COURIER_NOT_FOUND.
 */
export async function insertBranch(tx: Tx, branch: Branch): Promise<boolean> {
  const query = tx.query(
    `insert into network.territory_branch (courier_id, hub_code, branch_code)
     values ($1::text, $2::text, $3::text)
     on conflict do nothing
     returning branch_code`,
    [branch.courier_id, branch.hub_code, branch.branch_code],
  );
  return (await explained(query, branch)).length > 0;
}

/** Every branch of this hub that a territory of the courier has or had, disabled or not. */
export async function selectBranches(
  tx: Tx,
  { courier_id, hub_code }: Omit<Branch, 'branch_code'>,
): Promise<Set<string>> {
  const rows = await tx.query<{ branch_code: string }>(
    `select branch_code from network.territory_branch
     where courier_id = $1::text and hub_code = $2::text
     union
     select branch_code from network.area
     where courier_id = $1::text and hub_code = $2::text and kind = 'territory'`,
    [courier_id, hub_code],
  );
  return new Set(rows.map((row) => row.branch_code));
}

type Branch = { courier_id: string; hub_code: string; branch_code: string };
