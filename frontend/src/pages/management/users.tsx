// The accounts: found as one types, page by page.

import { api } from "../../api/client";
import type { Page, Profile } from "../../api/types";
import { useResource, useSettled } from "../../core/fetching";
import { whole } from "../../core/format";
import { amend, href, place } from "../../core/router";
import { Badge, ButtonLink, Pager, TextField, Time } from "../../parts/controls";
import { Empty, Failed, Loading } from "../../parts/states";
import { pageCount, person } from "../proposal/read";
import { EditUser, NewUser } from "./userform";

export const users = (search: string, page: number, signal?: AbortSignal): Promise<Page<Profile>> =>
  api.get<Page<Profile>>("/users", { search, page }, signal);

export function UsersTab() {
  const one = place.value.parts[2];
  if (one === "new") return <NewUser />;
  return one ? <EditUser key={one} id={one} /> : <UserList />;
}

function UserList() {
  const { query } = place.value;
  const search = query.get("search") ?? "";
  const settled = useSettled(search);
  const page = Number(query.get("page")) || 1;
  const found = useResource(`users-${page}-${settled}`, (signal) => users(settled, page, signal), { keep: true });
  return (
    <>
      <div class="row">
        <TextField label="Search" type="search" value={search} change={(text) => amend({ search: text, page: null })}
          placeholder="Name, e-mail or institution" />
        <ButtonLink kind="main" icon="plus" href={href("management", "users", "new")}>Add user</ButtonLink>
      </div>
      <p class="soft" role="status">{found.data && `${whole(found.data.count)} users${settled ? ` with “${settled}”` : ""}`}</p>
      {found.error ? (
        <Failed error={found.error} retry={found.reload} />
      ) : !found.data ? (
        <Loading what="Looking for users" />
      ) : found.data.results.length === 0 ? (
        <Empty>No user is like that. Fewer letters find more.</Empty>
      ) : (
        <div class="table-box" tabIndex={0} role="region" aria-label="Users">
          <table>
            <thead>
              <tr>
                <th scope="col">User name</th>
                <th scope="col">Name</th>
                <th scope="col">E-mail</th>
                <th scope="col">Institution</th>
                <th scope="col">Last sign-in</th>
                <th scope="col">Is</th>
              </tr>
            </thead>
            <tbody>
              {found.data.results.map((user) => (
                <tr key={user.id}>
                  <td><a href={href("management", "users", user.id)}>{user.username}</a></td>
                  <td>{person(user)}</td>
                  <td>{user.email}</td>
                  <td>{user.partner_institution || "–"}</td>
                  <td class="nowrap">{user.last_login ? <Time at={user.last_login} full /> : <span class="soft">never</span>}</td>
                  <td class="nowrap">
                    {user.is_superuser ? <Badge>Superuser</Badge> : user.is_staff ? <Badge>Staff</Badge> : "User"}
                    {!user.is_active && <Badge kind="bad">Deactivated</Badge>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Pager page={page} pages={pageCount(found.data?.count)} go={(n) => amend({ page: n }, { push: true })} label="Pages of users" />
    </>
  );
}
