import app from "./app.json";
import catalog from "./catalog.json";
import dojos from "./dojos.json";
import identity from "./identity.json";
import problems from "./problems.json";
import rooms from "./rooms.json";

export const ptBR = { app, catalog, dojos, identity, problems, rooms };
